#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is back after a reboot, and what a boot does not wait for.

# bats file_tags=booted,root

load lib/left4me.bash

setup_file() {
    machine_boot
}

teardown_file() {
    lab_destroy
}

teardown() {
    # The machine of a test itself.
    [[ -z ${other:-} ]] || "$LAB" destroy "$other"
}

@test "an enabled instance and one with autostart run after a reboot, no other" {
    spec enabled <<<'port: 27015'
    spec auto <<<$'port: 27016\nautostart: true'
    spec neither <<<'port: 27017'
    reload
    run -3 lab_run systemctl is-active left4me-server@enabled left4me-server@auto
    lab_run systemctl enable left4me-server@enabled
    run -0 lab_run systemctl is-enabled left4me-server@enabled left4me-server@auto
    assert_output $'enabled\nenabled-runtime'

    lab_reboot
    wait_answer 27015 27016
    run -3 lab_run systemctl is-active left4me-server@neither
    run -0 lab_run systemctl list-units --failed --no-legend
    assert_output ''
}

@test "they run after a power cut too, on a mount that none lies below" {
    lab_crash
    wait_answer 27015 27016
    run -0 mounts enabled
    assert_output 1
}

@test "the specs were compiled at boot, so nothing was reloaded" {
    run -0 lab_run systemctl show --value --property=ConditionResult left4me-load.service
    assert_output no
    run -0 "$LAB" journal "$LAB_ID" --boot --output=cat
    refute_output --partial 'Reloading'
}

@test "a disabled instance with autostart is stopped until the target is started again" {
    lab_run systemctl disable --now left4me-server@auto
    run -0 lab_run systemctl is-enabled left4me-server@auto
    assert_output enabled-runtime
    lab_run systemctl start left4me-servers.target
    wait_answer 27016
}

@test "a server that loads for a minute does not hold up multi-user.target" {
    spec auto <<<$'port: 27016\nautostart: true\nconfig: [standin_slow 60, standin_leave 0]'
    lab_run systemctl enable left4me-server@neither
    lab_put /etc/systemd/system/left4me-server@neither.service.d/slow.conf <<'END'
[Service]
ExecStartPre=sleep 60
END
    lab_run systemctl daemon-reload
    # The job of that start is a part of the boot, for whose end "lab boot" would wait.
    "$LAB" off "$LAB_ID"
    "$LAB" boot --no-wait "$LAB_ID" >/dev/null
    lab_wait_for 10 systemctl is-active multi-user.target
    wait_answer 27015
    run -3 lab_run systemctl is-active left4me-server@neither
    assert_output activating
    lab_run systemctl disable --now left4me-server@neither
    lab_run rm /etc/systemd/system/left4me-server@neither.service.d/slow.conf
}

# late PATH OPTIONS: a machine with an enabled instance and one with autostart, whose state is whole on
# its disk, but for PATH, which a mount that comes two seconds late brings.
late() {
    local path=$1 options=$2 source=/late/disk destdir=$BATS_FILE_TMPDIR/destdir
    # What is mounted has to be able to have uppers, unless that is elsewhere.
    local -a state=(--state /late)
    if [[ $path == "$ROOT/"* ]]; then
        source=$path.late state=()
    fi
    other=$("$LAB" boot --owner "$$" "${state[@]}" --install "$destdir" --prepare "
        mkdir -p /var/lib/left4me/instances/a /var/lib/left4me/instances/b
        echo 'port: 27015' >/var/lib/left4me/instances/a/spec.yaml
        printf 'port: 27016\nautostart: true\n' >/var/lib/left4me/instances/b/spec.yaml
        systemd-sysusers 2>/dev/null
        chown -R left4me:left4me /var/lib/left4me/instances
        systemctl enable left4me-server@a 2>/dev/null
        mkdir -p '$source'
        cp -a '$path/.' '$source/'
        find '$path' -mindepth 1 -delete
        cd /etc/systemd/system
        unit=\$(systemd-escape --path --suffix=mount '$path')
        printf '[Unit]\nAfter=late.service\nRequires=late.service\n[Mount]\nWhat=%s\nWhere=%s\nOptions=%s\n' \
            '$source' '$path' 'bind,$options' >\"\$unit\"
        printf '[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=sleep 2\n' >late.service
        mkdir -p local-fs.target.wants && ln -s ../\$unit local-fs.target.wants/")
}

# assert_one_reload PATH: all is there, PATH is that mount, and it took one reload.
assert_one_reload() {
    LAB_ID=$other wait_answer 27015 27016
    LAB_ID=$other run -0 lab_run mountpoint -q "$1"
    run -0 "$LAB" journal "$other" --boot --output=cat --identifier=systemd
    assert_equal "$(grep -cE '^Reloading\.+$' <<<"$output")" 1
    LAB_ID=$other run -0 lab_run systemctl list-units --failed --no-legend
    assert_output ''
}

@test "instances on a file system that is mounted late run after one reload more" {
    late "$ROOT/instances" defaults
    assert_one_reload "$ROOT/instances"
}

@test "so they do where the boot does not wait for that mount" {
    late "$ROOT/instances" nofail
    assert_one_reload "$ROOT/instances"
}

@test "so they do where the whole state root is mounted late" {
    late "$ROOT" defaults
    assert_one_reload "$ROOT"
    # After a power cut it is the same.
    LAB_ID=$other lab_crash
    assert_one_reload "$ROOT"
}

@test "so they do where the boot does not wait for the state root" {
    late "$ROOT" nofail
    assert_one_reload "$ROOT"
}

@test "so they do where /var is mounted late" {
    late /var defaults
    assert_one_reload /var
}

@test "a host without instances boots without a reload" {
    other=$("$LAB" boot --owner "$$" --install "$BATS_FILE_TMPDIR/destdir")
    run -0 "$LAB" journal "$other" --boot --output=cat --identifier=systemd
    refute_output --partial 'Reloading'
    LAB_ID=$other run -0 lab_run systemctl is-active left4me-servers.target
}
