#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Who may do what to units, without root and without a password, as a real polkitd and a real bus
# see it: a panel's user handles servers and nothing else; the game's user and strangers, nothing.

# bats file_tags=booted,root

load lib/left4me.bash

# Units that are none of a panel's business. After the first line, names that look like a server's.
FOREIGN=(
    ssh.service dbus.service polkit.service left4me-servers.target left4me-reload.service
    left4me-server@x.service.evil.service left4me-server@x.y.service left4me-server@-x.service
    left4me-server@_x.service "left4me-server@$(printf 'a%.0s' {1..65}).service"
    xleft4me-server@x.service left4me-serverx@x.service
)

setup_file() {
    # The users are there before the bus is, as on a machine that was set up some time ago.
    machine_boot --prepare 'systemd-sysusers
        useradd --groups left4me,left4me-admin panel
        useradd --groups left4me writer
        useradd stranger'

    local unit
    for unit in ssh left4me-reload xleft4me-server@ left4me-serverx@; do
        lab_put "/etc/systemd/system/$unit.service" <<<$'[Service]\nExecStart=sleep infinity'
    done
    # What is ordered behind a unit keeps it loaded: else "not loaded" is all that some verbs say.
    lab_put /etc/systemd/system/keep.service <<END
[Unit]
After=${FOREIGN[*]}
[Service]
ExecStart=sleep infinity
END
    spec x <<<$'port: 27015\nconfig: [standin_leave 0]'
    policy <<<$'[Unit]\nStartLimitIntervalSec=0'
    lab_run systemctl start ssh left4me-reload xleft4me-server@x left4me-serverx@x keep
    start x
}

teardown_file() {
    lab_destroy
}

# as USER COMMAND…: a login of this user, without a terminal.
as() {
    lab_run setpriv --reuid "$1" --regid "$1" --init-groups -- "${@:2}"
}

# ask USER SYSTEMCTL ARGUMENT…
ask() {
    as "$1" systemctl --no-ask-password "${@:2}"
}

# call USER METHOD [SIGNATURE ARGUMENT…]: of PID 1's manager object.
call() {
    as "$1" busctl --system --allow-interactive-authorization=no call org.freedesktop.systemd1 \
        /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "${@:2}"
}

# refused ask|call|as USER …: polkit, the bus or the file system said no; nothing else failed.
refused() {
    run "$@"
    [[ $status != 0 &&
        $output =~ (Interactive authentication required|Access denied|Permission denied) ]] ||
        fail "not refused, but status $status: $*: $output"
}

# refused_on USER UNIT: all that one may want of a unit.
refused_on() {
    local verb
    for verb in start stop restart try-restart reload reload-or-restart kill reset-failed; do
        refused ask "$1" "$verb" "$2"
    done
    refused ask "$1" clean --what=state "$2"
    # systemctl asks for a reference first, and would go no further.
    refused call "$1" CleanUnit sas "$2" 1 state
    refused call "$1" RefUnit s "$2"
    refused call "$1" FreezeUnit s "$2"
    refused call "$1" SetUnitProperties 'sba(sv)' "$2" true 1 Description s changed
}

# refused_unit_files USER UNIT
refused_unit_files() {
    local verb
    for verb in enable disable mask unmask preset; do
        refused ask "$1" "$verb" "$2"
        refused ask "$1" "$verb" --runtime "$2"
    done
    # It writes by itself, if it finds a terminal. 252 then tells a wrong errno.
    run as "$1" env EDITOR=true script --quiet --return \
        --command "systemctl --no-ask-password edit '$2'" /dev/null
    assert_failure
    assert_output --regexp 'Failed to create .*(Permission denied|No such file or directory)'
}

# What must not have changed when all was refused.
state() {
    lab_run systemctl show --property=Id,ActiveState,InvocationID,Description,FreezerState \
        "${FOREIGN[@]}" left4me-server@x.service
    # Fragments, drop-ins, masks and symlinks; below units/ is what state systemd itself keeps there.
    lab_run find /etc/systemd /run/systemd -regex '.*\.\(service\|target\|conf\)' \
        -not -path '/run/systemd/units/*'
}

# --- A panel's user ---------------------------------------------------------------------------

@test "a panel's user makes an instance, and has systemd read its spec" {
    # shellcheck disable=SC2016
    as panel sh -euc 'umask 027; cd "$1"; mkdir p; echo "port: 27016" >p/spec.yaml' - \
        "$ROOT/instances"
    ask panel daemon-reload
    run -0 property p Environment
    assert_output --partial L4D2_PORT=27016
}

@test "a panel's user starts, restarts and stops a server" {
    local first second
    ask panel start left4me-server@p
    wait_answer 27016
    first=$(property p MainPID)
    ask panel restart left4me-server@p
    wait_answer 27016
    second=$(property p MainPID)
    assert_not_equal "$first" "$second"
    ask panel stop left4me-server@p
    run -0 property p ActiveState
    assert_output inactive
}

@test "a panel's user cleans a server" {
    run -0 lab_run test -d "$ROOT/runtime/p/upper"
    ask panel clean --what=state left4me-server@p
    run -1 lab_run test -e "$ROOT/runtime/p"
}

@test "a panel's user resets a failed server" {
    # shellcheck disable=SC2016
    as panel sh -euc 'cd "$1"; echo "prt: 27016" >p/spec.yaml' - "$ROOT/instances"
    ask panel daemon-reload
    run ask panel start left4me-server@p
    assert_failure
    run -0 property p ActiveState
    assert_output failed
    ask panel reset-failed left4me-server@p
    run -0 property p ActiveState
    assert_output inactive
}

@test "a panel's user removes an instance" {
    as panel rm -r "$ROOT/instances/p"
    ask panel daemon-reload
    run ask panel start left4me-server@p
    assert_failure
    assert_output --partial 'Assertion failed'
}

@test "a server's name of one character and of 64 is one to polkit too" {
    local name
    for name in a 0 "$(printf 'Z%.0s' {1..64})" a_-9; do
        ask panel stop "left4me-server@$name"
    done
}

@test "a panel's user is refused every verb on other units, and on names that look like a server's" {
    local unit before
    before=$(state)
    for unit in "${FOREIGN[@]}"; do
        refused_on panel "$unit"
    done
    run -0 state
    assert_output "$before"
}

@test "an escape is no part of a server's name" {
    local unit verb
    for unit in 'left4me-server@a\x0a.service' 'left4me-server@a\x2dservice.service'; do
        for verb in start stop restart; do
            refused ask panel "$verb" "$unit"
        done
    done
}

@test "a name that systemctl completes to another unit's is refused" {
    refused ask panel start left4me-server@x.service.evil
    assert_output --partial left4me-server@x.service.evil.service
}

@test "a panel's user is refused the other verbs on a server" {
    local verb before
    before=$(state)
    for verb in try-restart reload reload-or-restart kill freeze thaw; do
        refused ask panel "$verb" left4me-server@x
    done
    refused call panel FreezeUnit s left4me-server@x.service
    # By the bus: its policy lets one more call pass, not all.
    assert_output --partial 'Access denied'
    refused ask panel set-property --runtime left4me-server@x TasksMax=1
    refused call panel BindMountUnit sssbb left4me-server@x.service /etc /tmp/etc false true
    run -0 state
    assert_output "$before"
}

@test "freezing, about which systemd asks as about a stop, is refused where the bus lets it pass" {
    lab_put /etc/dbus-1/system.d/freeze.conf <<'END'
<busconfig>
  <policy user="panel">
    <allow send_destination="org.freedesktop.systemd1"
           send_interface="org.freedesktop.systemd1.Manager" send_member="FreezeUnit"/>
  </policy>
</busconfig>
END
    lab_run systemctl reload dbus
    refused call panel FreezeUnit s left4me-server@x.service
    assert_output --partial 'Interactive authentication required'
    lab_run rm /etc/dbus-1/system.d/freeze.conf
    lab_run systemctl reload dbus
}

@test "a panel's user cannot put a server in the place of all that runs" {
    run ask panel start --job-mode=isolate left4me-server@x
    assert_failure
    assert_output --partial 'may not be isolated'
}

@test "a panel's user is refused enable, disable, mask and edit of any unit, its servers' too" {
    local before
    before=$(state)
    refused_unit_files panel ssh.service
    refused_unit_files panel left4me-server@x.service
    run -0 state
    assert_output "$before"
}

@test "a panel's user is refused what concerns all units, and the jobs of others" {
    local job
    refused ask panel reset-failed
    refused ask panel set-environment A=B
    refused ask panel set-default rescue.target
    refused ask panel poweroff
    refused call panel ClearJobs

    lab_put /etc/systemd/system/slow.service <<<$'[Service]\nType=oneshot\nExecStart=sleep infinity'
    reload
    lab_run systemctl start --no-block slow
    job=$(lab_run systemctl show --value --property=Job slow)
    refused call panel CancelJob u "$job"
    lab_run systemctl stop slow
}

@test "a panel's user is refused a transient unit by a server's name, also when no unit is installed" {
    local template=/usr/lib/systemd/system/left4me-server@.service
    local -a transient=(
        StartTransientUnit 'ssa(sv)a(sa(sv))' left4me-server@new.service fail
        1 Wants as 1 helper.service
        1 helper.service 1 ExecStart 'a(sasb)' 1 /bin/touch 2 touch /run/by-root false
    )
    refused call panel "${transient[@]}"

    # Then nothing else is in its way: with systemd 257, what it names would run as root.
    lab_run mv "$template" /root
    reload
    run call panel "${transient[@]}"
    lab_run mv /root/left4me-server@.service "$template"
    reload
    assert_failure
    assert_output --partial 'Interactive authentication required'
    run -1 lab_run test -e /run/by-root
}

@test "who is put into the groups has the rights from the next login on, with nothing restarted" {
    lab_run useradd later
    refused ask later stop left4me-server@a
    refused call later CleanUnit sas left4me-server@a.service 1 state
    lab_run usermod --append --groups left4me,left4me-admin later
    # shellcheck disable=SC2016
    as later sh -euc 'cd "$1"; mkdir a; echo "port: 27017" >a/spec.yaml; rm -r a' - \
        "$ROOT/instances"
    ask later stop left4me-server@a
    ask later clean --what=state left4me-server@a
}

# --- The game's user --------------------------------------------------------------------------

@test "user left4me is refused everything" {
    local before
    before=$(state)
    refused ask left4me daemon-reload
    refused_on left4me left4me-server@x.service
    refused_on left4me ssh.service
    refused_unit_files left4me left4me-server@x.service
    run -0 state
    assert_output "$before"
}

@test "user left4me is refused everything even when it is put into group left4me-admin" {
    lab_run usermod --append --groups left4me-admin left4me
    refused ask left4me daemon-reload
    refused ask left4me stop left4me-server@x
    refused call left4me CleanUnit sas left4me-server@x.service 1 state
    lab_run gpasswd --delete left4me left4me-admin
}

# probe < DROP-IN: starts an instance that, in its sandbox, asks PID 1 to stop another server.
probe() {
    {
        printf '[Service]\nExecStartPre=-busctl --system --allow-interactive-authorization=no call'
        printf ' org.freedesktop.systemd1 /org/freedesktop/systemd1'
        printf ' org.freedesktop.systemd1.Manager StopUnit ss left4me-server@x.service replace\n'
        cat
    } | lab_put /etc/systemd/system/left4me-server@probe.service.d/90-probe.conf
    spec probe <<<$'port: 27018\nconfig: [standin_leave 0]'
    reload
    start probe
    run -0 lab_run journalctl --output=cat --identifier=busctl \
        "_SYSTEMD_INVOCATION_ID=$(property probe InvocationID)"
    stop probe
    assert_equal "$(property x ActiveState)" active
}

@test "in a server's sandbox there is no bus to ask" {
    probe <<<''
    assert_output --partial 'No such file or directory'
}

@test "a server that does reach the bus from its sandbox is refused" {
    probe <<<'BindReadOnlyPaths=/run/dbus'
    assert_output --partial 'Interactive authentication required'
}

# --- Others -----------------------------------------------------------------------------------

@test "who is in group left4me alone writes specs, and may ask systemd for nothing" {
    # shellcheck disable=SC2016
    as writer sh -euc 'cd "$1"; mkdir w; echo "port: 27019" >w/spec.yaml; rm -r w' - \
        "$ROOT/instances"
    refused ask writer daemon-reload
    refused_on writer left4me-server@x.service
}

@test "the bus passes a clean from nobody but root and group left4me-admin" {
    local user
    for user in left4me writer stranger; do
        refused call "$user" CleanUnit sas left4me-server@a.service 1 state
        assert_output --partial 'Access denied'
    done
}

@test "a stranger is refused everything" {
    local before
    before=$(state)
    refused ask stranger daemon-reload
    refused_on stranger left4me-server@x.service
    refused_unit_files stranger left4me-server@x.service
    run -0 state
    assert_output "$before"
}

@test "a stranger can neither read specs nor name instances, nor see what a game wrote" {
    refused as stranger cat "$ROOT/instances/x/spec.yaml"
    refused as stranger ls "$ROOT/instances"
    refused as stranger mkdir "$ROOT/instances/s"
    refused as stranger ls "$ROOT/runtime/x"
}

# --- left4mectl, as a panel's user -------------------------------------------------------------

panel() {
    as panel env HOME=/home/panel left4mectl "$@"
}

@test "a panel's user has the whole life of an instance with autostart by left4mectl, without sudo" {
    run -0 panel create c - <<<$'port: 27030\nautostart: true\nconfig: [standin_leave 0]'
    assert_line 'c: created'
    run -0 lab_run stat -c '%a %U:%G' "$ROOT/instances/c/spec.yaml"
    assert_output '640 panel:left4me'
    run -0 as panel env EDITOR='sed -i s/27030/27031/' left4mectl edit c
    run -0 panel start --once c
    wait_answer 27031
    run -0 panel restart c
    wait_answer 27031
    run -0 panel stop --once c
    # An instance with autostart needs no enabling, and so no right to it.
    run -0 panel start c
    run -0 panel stop c
    assert_line "c: it comes back at the next boot: its spec says 'autostart: true'"
    run -0 panel start c
    run -0 panel reset c
    run -2 lab_run ls "$ROOT/runtime/c"
    run -0 panel start c
    run -0 panel delete c
    run -2 lab_run ls "$ROOT/instances/c" "$ROOT/runtime/c"
}

@test "a panel's user who has no right to enable is told which, and of --once, and nothing is changed" {
    panel create c - <<<'port: 27030'
    run -1 panel start c
    assert_line --partial 'not permitted to enable units (polkit: org.freedesktop.systemd1.manage-unit-files); nothing was changed'
    assert_line --partial "'--once'"
    run -3 lab_run systemctl is-active left4me-server@c
    lab_run systemctl enable left4me-server@c
    run -1 panel delete c
    assert_line --partial 'not permitted to disable units'
    run -0 lab_run test -e "$ROOT/instances/c/spec.yaml"
    lab_run systemctl disable left4me-server@c
    run -0 panel delete c
}

@test "delete changes nothing where it could not remove the spec" {
    lab_run sh -euc 'mkdir -m 2755 "$1/d"; chgrp left4me "$1/d"; echo "{port: 27030, config: [standin_leave 0]}" >"$1/d/spec.yaml"
        chgrp left4me "$1/d/spec.yaml"; chmod 0640 "$1/d/spec.yaml"; systemctl daemon-reload' - \
        "$ROOT/instances"
    start d
    run -1 panel delete d
    assert_output --partial 'cannot remove'
    run -0 lab_run systemctl is-active left4me-server@d
    run -0 lab_run test -e "$ROOT/runtime/d/upper"
    lab_run left4mectl delete d
}

@test "a stop that was refused does not say that the server comes back" {
    panel create c - <<<'{port: 27030, autostart: true}'
    run -1 as writer left4mectl stop --once c
    refute_output --partial 'comes back'
    panel delete c
}

@test "the game's user, a writer of specs and a stranger can start nothing by left4mectl" {
    local user
    for user in left4me writer stranger; do
        run -1 as "$user" left4mectl start --once x
        assert_output --partial 'not permitted'
        run -1 as "$user" left4mectl stop --once x
        assert_output --partial 'not permitted'
        run -1 as "$user" left4mectl reset x
    done
    run -1 as stranger left4mectl create s - <<<'port: 27030'
    assert_output --partial 'those may who are root or in group left4me'
    run -0 lab_run systemctl is-active left4me-server@x
}

# --- That these files make the difference -----------------------------------------------------

# without FILE COMMAND…: what it answers while FILE is not there.
without() {
    lab_run mv "$1" /root
    # Both watch their directories, but nobody says when they have seen it.
    lab_run systemctl restart polkit
    lab_run systemctl reload dbus
    run "${@:2}"
    lab_run mv "/root/${1##*/}" "$1"
    lab_run systemctl restart polkit
    lab_run systemctl reload dbus
    assert_failure
}

@test "without the polkit rule a panel's user may not start a server" {
    without /usr/share/polkit-1/rules.d/50-left4me.rules ask panel start left4me-server@x
    assert_output --partial 'Interactive authentication required'
    run -0 ask panel start left4me-server@x
}

@test "without the bus's policy a panel's user may not clean a server" {
    without /usr/share/dbus-1/system.d/left4me.conf ask panel clean --what=state left4me-server@a
    assert_output --partial 'Access denied'
    run -0 ask panel clean --what=state left4me-server@a
}

@test "after all of this no rule and no policy had an error" {
    run -0 lab_journal polkit
    assert_output --partial 'Finished loading, compiling and executing'
    refute_output --regexp 'Error (compiling|evaluating)|exception|runaway'
    run -0 lab_journal dbus
    refute_output --regexp 'Unknown group|Encountered error'
}
