#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-reload.service: a spec changes, and nobody has to say "systemctl daemon-reload".

# bats file_tags=booted,root

# Much is expanded in the machine only.
# shellcheck disable=SC2016

load lib/left4me.bash

INSTANCES=$ROOT/instances
SERVICE=left4me-reload.service
LIMITED=/etc/systemd/system/$SERVICE.d/91-limited.conf
DENIED=/etc/dbus-1/system.d/denied.conf

setup_file() {
    require_built left4me-reload
    machine_boot
    export AT_FIRST
    AT_FIRST=$(lab_run systemctl show --property=UnitFileState,ActiveState --value $SERVICE)
    # Otherwise a restart takes five seconds, and a few of them are the end.
    lab_put /etc/systemd/system/$SERVICE.d/90-test.conf <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
RestartSec=1
END
    # Installed for good, slow on demand.
    lab_put -m 0755 /etc/systemd/system-generators/slow <<'END'
#!/bin/sh
[ -e /etc/slow ] || exit 0
: >/run/slow-begun
sleep 2
END
    reload
    lab_run systemctl enable --now $SERVICE
}

teardown_file() {
    lab_destroy
}

# Each test finds the service on, and instance a.
setup() {
    lab_run systemctl start $SERVICE
    in_instances '
        find . -mindepth 1 -maxdepth 1 ! -name a -exec rm -r {} +
        mkdir -p a
        [ -f a/spec.yaml ] || echo "port: 27015" >a/spec.yaml'
    settle
    since=$(reloads)
}

teardown() {
    # Shown when a test fails.
    lab_run systemctl show --property=StatusText --value $SERVICE
    lab_journal $SERVICE --lines=15
    lab_run rm -f /etc/slow
    # Of two tests, should they fail.
    if lab_run rm "$LIMITED" 2>/dev/null; then
        lab_run systemctl daemon-reload
        lab_run systemctl restart $SERVICE
        lab_run umount /run/proc
    fi
    if lab_run rm "$DENIED" 2>/dev/null; then
        reload_bus
    fi
}

# How many reloads the service has made since it was started.
reloads() {
    lab_run systemctl show --property=StatusText --value $SERVICE |
        sed -nE 's/.*; ([0-9]+) reloads?$/\1/p'
}

# Prints how many it has made since the test began.
count_reloads() {
    local now
    now=$(reloads)
    printf '%d\n' "$((now - since))"
}

# in_instances SCRIPT [ARG…]: runs a shell script in the directory of the instances.
in_instances() {
    lab_run sh -euc 'cd "$0"; umask 002; '"$1" "$INSTANCES" "${@:2}"
}

# agree [SECONDS]: waits until the drop-ins that systemd has are those that the generator would
# write now. Without a message if so.
agree() {
    lab_wait_for "${1:-2}" sh -euc '
        new=$(mktemp -d)
        trap "rm -rf $new" EXIT
        mkdir "$new/now" "$new/then"
        /lib/systemd/system-generators/left4me-generator "$new/now" 2>"$new/messages"
        cp -a /run/systemd/generator/left4me-server@* "$new/then" 2>"$new/messages" || :
        rm -rf "$new"/*/*.wants
        diff -r "$new/then" "$new/now"'
}

# settle: waits until no reload is on its way.
settle() {
    local before now
    now=$(reloads)
    while
        before=$now
        sleep 1.2
        now=$(reloads)
        [[ $before != "$now" || -z $now ]]
    do :; done
}

# assert_reloads AT_LEAST [AT_MOST]: since the test began.
assert_reloads() {
    local n
    settle
    n=$(count_reloads)
    printf '# %s: %d reloads\n' "$BATS_TEST_DESCRIPTION" "$n" >&3
    ((n >= $1 && n <= ${2:-$1})) || {
        printf 'reloads: %d, expected: %s\n' "$n" "$*" >&2
        return 1
    }
}

# The last line that it logged, which is not before the reload is done.
last_message() {
    settle
    lab_journal $SERVICE --identifier=left4me-reload --lines=1
}

reload_bus() {
    lab_run busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig
}

main_pid() {
    lab_run systemctl show --property=MainPID --value $SERVICE
}

# --- The command and its unit -----------------------------------------------------------------

@test "it tells what it is, and takes nothing else" {
    run -0 "$BUILD/left4me-reload" --help
    assert_line --index 0 left4me-reload
    run -0 "$BUILD/left4me-reload" --version
    assert_output --regexp '^left4me-reload [0-9.]+$'
    run -2 "$BUILD/left4me-reload" --nonsense
    assert_output "left4me-reload: unknown option; see 'left4me-reload --help'"
    run -2 "$BUILD/left4me-reload" x
    assert_output "left4me-reload: it takes no operand; see 'left4me-reload --help'"
}

@test "without a system bus it says so and fails" {
    run -1 env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere "$BUILD/left4me-reload"
    assert_output 'left4me-reload: cannot use the system bus: No such file or directory'
}

@test "it is off until somebody enables it" {
    assert_equal "$AT_FIRST" $'inactive\ndisabled'
}

@test "it has one capability and sees no more than it needs" {
    local pid
    pid=$(main_pid)
    run -0 lab_run grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$pid/status"
    # 2: CAP_DAC_READ_SEARCH.
    assert_output $'CapEff:\t0000000000000004\nCapBnd:\t0000000000000004\nNoNewPrivs:\t1\nSeccomp:\t2'
    run -0 lab_run ls "/proc/$pid/root/etc"
    assert_output ''
    run -0 lab_run nsenter --mount --target "$pid" sh -c 'touch "$0/x" || echo refused' "$INSTANCES"
    assert_line refused
    run -0 lab_run systemd-analyze security --no-pager $SERVICE
    assert_output --regexp 'Overall exposure level for left4me-reload.service: 0\.[0-9]'
}

# --- What causes a reload ---------------------------------------------------------------------

@test "a spec that is written in a new directory is compiled" {
    in_instances 'mkdir b; echo "port: 27016" >b/spec.yaml'
    agree
    assert_reloads 1
    run -0 last_message
    assert_output --regexp '^reload: spec of b changed \([0-9]+\.[0-9]{2} s\)$'
    run -0 property b Environment
    assert_output --partial L4D2_PORT=27016
}

@test "a spec that is renamed into place is compiled" {
    spec a <<<'port: 27016'
    agree
    assert_reloads 1
    run -0 property a Environment
    assert_output --partial L4D2_PORT=27016
}

@test "a spec that is removed leaves no drop-in" {
    in_instances 'rm a/spec.yaml'
    agree
    assert_reloads 1
    run -1 lab_run test -e /run/systemd/generator/left4me-server@a.service.d
}

@test "a spec whose mode, or whose place's occupant, changes is looked at again" {
    spec a <<<'port: 27016'
    agree
    in_instances 'chmod 600 a/spec.yaml'
    agree
    assert_reloads 1 2
    in_instances 'rm a/spec.yaml; mkdir a/spec.yaml'
    agree
    in_instances 'rmdir a/spec.yaml; ln -s /etc/hostname a/spec.yaml'
    agree
    in_instances 'rm a/spec.yaml; echo "port: 27016" >a/x; ln a/x a/spec.yaml; rm a/x'
    agree
}

@test "directories that are renamed, swapped and removed take their specs along" {
    in_instances 'for i in 1 2; do mkdir d$i; echo "port: 2703$i" >d$i/spec.yaml; done'
    agree
    in_instances 'mv d1 d3; mv d2 d1; mv d3 d2'
    agree
    run -0 property d1 Environment
    assert_output --partial L4D2_PORT=27032
    # Their watches went along too.
    in_instances 'echo "port: 27033" >d1/spec.yaml'
    agree
    in_instances 'echo "port: 27034" >d2/spec.yaml'
    agree
    in_instances 'mv d1 ../elsewhere; rm -r d2'
    agree
    settle
    since=$(reloads)
    # It is no instance any more.
    in_instances 'echo "port: 27035" >../elsewhere/spec.yaml; rm -r ../elsewhere'
    assert_reloads 0
}

@test "500 instances that are created at once are compiled by a reload or two" {
    in_instances 'mkdir $(seq -f n%g 500); for i in $(seq 500); do echo "port: $((20000 + i))" >n$i/spec.yaml; done'
    agree
    assert_reloads 1 2
    run -0 lab_journal $SERVICE --identifier=left4me-reload --lines=2
    assert_line --regexp '^reload: spec of n[0-9]+, n[0-9]+, n[0-9]+ and [0-9]+ more changed'
}

@test "500 instances that are removed at once are forgotten by a reload or two" {
    in_instances 'mkdir $(seq -f n%g 500); for i in $(seq 500); do echo "port: $((20000 + i))" >n$i/spec.yaml; done'
    agree
    settle
    since=$(reloads)
    in_instances 'rm -r n*'
    agree
    assert_reloads 1 2
    run -0 lab_run systemctl show --property=StatusText --value $SERVICE
    assert_output --regexp '^watching 1 instance; '
}

@test "a spec that is edited while systemd reloads is compiled by another reload" {
    lab_run touch /etc/slow
    lab_run rm -f /run/slow-begun
    spec a <<<'port: 27017'
    lab_wait_for 5 test -e /run/slow-begun
    # The generator is done by now, and systemd is not.
    sleep 1
    spec a <<<'port: 27018'
    lab_run rm /etc/slow
    agree 6
    assert_reloads 2
    run -0 property a Environment
    assert_output --partial L4D2_PORT=27018
}

@test "a steady stream of writes is reloaded for about once a second, and once at its end" {
    in_instances 'end=$(($(date +%s%N) + 5000000000)); i=0
        while [ "$(date +%s%N)" -lt $end ]; do
            i=$((i + 1))
            echo "port: $((27100 + i % 500))" >a/spec.yaml
        done'
    # The time that reloads take counts twice, and here two systemds share two cores with others.
    local n
    n=$(count_reloads)
    agree
    printf '# in five seconds: %d reloads\n' "$n" >&3
    ((n >= 3 && n <= 5))
    assert_reloads 4 6
}

# --- What does not ----------------------------------------------------------------------------

@test "temporary files, and specs that are read, cause no reload" {
    in_instances '
        # vim, Emacs, sed, rsync, mktemp
        for name in .spec.yaml.swp 4913 spec.yaml~ "#spec.yaml#" .#spec.yaml sedAbCdEf \
            .spec.yaml.Xy12Zz .put.XXXXXX spec.yaml.bak; do
            for dir in . a; do
                echo x >"$dir/$name"
                chmod 600 "$dir/$name"
                mv "$dir/$name" "$dir/$name.2"
                rm "$dir/$name.2"
            done
        done
        cat a/spec.yaml
        mkdir -p a/sub/spec.yaml
        rm -r a/sub
        chmod 2750 a'
    sleep 1
    assert_reloads 0
}

@test "an empty directory causes no reload, neither when it comes nor when it goes" {
    # One that is gone before it was looked at might have held a spec.
    in_instances 'mkdir empty; sleep 0.2; mv empty empty2; sleep 0.2; rmdir empty2'
    sleep 1
    assert_reloads 0
}

@test "a server that starts, writes and stops causes no reload" {
    spec a <<<'port: 27015'
    agree
    settle
    since=$(reloads)
    start a
    wait_answer 27015
    lab_run sh -c 'cd "$0" && echo x >spec.yaml && rm spec.yaml' "$ROOT/runtime/a/merged/left4dead2"
    stop a
    sleep 1
    assert_reloads 0
}

# --- Hostile ----------------------------------------------------------------------------------

# watch_on DIR: what fdinfo says of one, see proc_pid_fdinfo(5). A number of an inode is its file
# system's.
watch_on() {
    local major minor
    IFS=: read -r major minor < <(lab_run findmnt --noheadings --output MAJ:MIN --target "$1")
    printf 'ino:%x sdev:%x ' "$(lab_run stat -c '%i' "$1")" $((major << 20 | minor))
}

@test "a symbolic link in an instance's place is refused by the generator, and not followed" {
    lab_run mkdir -p /srv/target
    lab_run sh -c 'echo "port: 27019" >/srv/target/spec.yaml'
    in_instances 'ln -s /srv/target evil; ln -s ../../../../srv/target evil2; ln -s /proc/self evil3'
    agree
    assert_reloads 1
    settle
    since=$(reloads)
    lab_run sh -c 'echo "port: 27020" >/srv/target/spec.yaml; touch /srv/target/spec.yaml'
    sleep 1
    assert_reloads 0
    # No watch is on it.
    run -0 lab_run sh -c 'cat /proc/"$0"/fdinfo/*' "$(main_pid)"
    refute_output --partial "$(watch_on /srv/target)"
    assert_output --partial "$(watch_on "$INSTANCES")"
    # In the place of a directory that is watched.
    in_instances 'mkdir evil4; echo "port: 27021" >evil4/spec.yaml'
    agree
    in_instances 'mv evil4 ../moved; ln -s ../moved evil4'
    agree
    settle
    since=$(reloads)
    in_instances 'echo "port: 27022" >../moved/spec.yaml; sleep 1; rm -r ../moved'
    assert_reloads 0
    in_instances 'rm evil*'
    agree
    assert_reloads 1
}

@test "names that are no names, and a tree that is renamed without end, do it no harm" {
    in_instances '
        mkdir "$(printf "new\nline")" "$(printf "esc\033[2J")" "$(printf "\377\376")" \
            "$(printf "%0255d" 0)" " " "*" "..." "a b" "spec.yaml"
        for dir in *; do
            [ "$dir" = a ] || [ ! -d "$dir" ] || echo "port: 1" >"$dir/spec.yaml"
        done'
    sleep 1
    in_instances 'find . -mindepth 1 -maxdepth 1 ! -name a -exec rm -r {} +'
    sleep 1
    # Those that are gone again before they were looked at might have been instances.
    assert_reloads 0
    local begin=$SECONDS
    in_instances '
        mkdir p; echo "port: 27023" >p/spec.yaml
        for i in $(seq 1500); do mv p q; mv q p; ln -s . q; rm q; done'
    agree
    # One a second, and whole seconds are counted.
    assert_reloads 1 "$((SECONDS - begin + 2))"
    in_instances 'rm -r p'
    agree
    run -0 last_message
    assert_output --regexp '^reload: spec of p changed'
    run -0 lab_run systemctl show --property=NRestarts --value $SERVICE
    assert_output 0
}

@test "events that the kernel dropped are made up for by a look at everything and one reload" {
    local pid limit
    pid=$(main_pid)
    limit=$(lab_run cat /proc/sys/fs/inotify/max_queued_events)
    lab_run kill -STOP "$pid"
    in_instances '
        i=0
        while [ $i -lt $1 ]; do : >a/x; : >a/y; i=$((i + 2)); done
        rm a/x a/y
        mkdir lost; echo "port: 27024" >lost/spec.yaml
        echo "port: 27025" >a/spec.yaml' "$((limit + 100))"
    lab_run kill -CONT "$pid"
    agree
    run -0 last_message
    assert_output --regexp '^reload: events were lost, spec of .* changed \('
    assert_reloads 1
    # The new one is watched.
    in_instances 'echo "port: 27026" >lost/spec.yaml'
    agree
    assert_reloads 2
    in_instances 'rm -r lost'
    agree
}

# limited WATCHES: the service in a user namespace which has no more watches than that. A machine's
# own /proc/sys is read-only.
limited() {
    lab_run sh -c 'mkdir -p /run/proc && mount -t proc proc /run/proc'
    lab_put -m 0755 /usr/local/bin/limited <<'END'
#!/bin/sh
# Who is nobody yet has lost its capabilities, and gets them back as root, by another exec.
unshare --user sh -c '
    until grep -q . /proc/self/uid_map && grep -q . /proc/self/gid_map; do sleep 0.05; done
    exec sh -c "echo $0 >/run/proc/sys/user/max_inotify_watches; exec $1"' "$@" &
until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/$$/ns/user)" ]; do sleep 0.05; done
echo 0 0 65536 >/proc/$!/uid_map
echo 0 0 65536 >/proc/$!/gid_map
echo $! >/run/limited.pid
trap 'kill $!; exit 0' TERM
wait $!
END
    local command
    command=$(lab_run systemctl show --property=ExecStart --value $SERVICE |
        sed -E 's/.* path=([^ ]*) .*/\1/')
    lab_put "$LIMITED" <<END
[Service]
NotifyAccess=all
CapabilityBoundingSet=~
NoNewPrivileges=no
RestrictNamespaces=no
SystemCallFilter=
ProcSubset=all
ProtectProc=default
ProtectKernelTunables=no
TemporaryFileSystem=
ProtectSystem=no
ExecStart=
ExecStart=/usr/local/bin/limited $1 $command
END
    reload
    lab_run systemctl restart $SERVICE
}

@test "with more directories than watches it says so once, looks each second, and recovers" {
    in_instances 'for i in 1 2 3 4 5; do mkdir w$i; echo "port: 2704$i" >w$i/spec.yaml; done'
    agree
    # Three for the way, and two.
    limited 5
    since=0
    run -0 lab_journal $SERVICE --identifier=limited
    assert_output "no watch is left for some directories below '$INSTANCES': raise the sysctl \
fs.inotify.max_user_watches; looking at them once a second instead"
    run -0 lab_run systemctl show --property=StatusText --value $SERVICE
    assert_output 'watching 6 instances, 4 of them without a watch; 0 reloads'

    in_instances 'for i in 1 2 3 4 5; do echo "port: 2705$i" >w$i/spec.yaml; done'
    agree 3
    in_instances 'mkdir w6; echo "port: 27056" >w6/spec.yaml'
    agree 3
    in_instances 'rm -r w6; rm w1/spec.yaml; mv w2 w7'
    agree 3
    assert_reloads 3 6
    in_instances 'rm w3/spec.yaml; ln -s /etc/hostname w3/spec.yaml'
    agree 3

    lab_run sh -c 'nsenter --user --target "$(cat /run/limited.pid)" \
        sh -c "echo 1000 >/run/proc/sys/user/max_inotify_watches"'
    sleep 1.5
    run -0 lab_journal $SERVICE --identifier=limited
    assert_equal "$(grep -c 'no watch is left' <<<"$output")" 1
    assert_output --partial "all directories below '$INSTANCES' are watched again"
    run -0 lab_run systemctl show --property=StatusText --value $SERVICE
    assert_output --partial 'watching 6 instances; '
    in_instances 'rm -r w*'
    agree
}

# --- Instances themselves come and go ---------------------------------------------------------

@test "a directory of instances that is replaced is watched in the former one's place" {
    in_instances 'cd ..
        mkdir new new/b; echo "port: 27027" >new/b/spec.yaml
        mv instances old; mv new instances'
    agree
    in_instances 'echo "port: 27028" >b/spec.yaml'
    agree
    settle
    since=$(reloads)
    in_instances 'cd ..; echo "port: 27029" >old/a/spec.yaml'
    assert_reloads 0
    in_instances 'cd ..; rm -r instances; mv old instances'
    agree
    in_instances 'echo "port: 27030" >a/spec.yaml'
    agree
}

@test "a state root that is replaced is watched in the former one's place" {
    # It is a mount here, and so is one that can be replaced.
    lab_run sh -euc 'mkdir /srv/root; mkdir -p /srv/other/instances/c
        echo "port: 27031" >/srv/other/instances/c/spec.yaml
        mount --bind /srv/other "$0"' "$ROOT"
    agree
    run -0 last_message
    assert_output --regexp '^reload: spec of (c and a|a and c) changed'
    in_instances 'echo "port: 27032" >c/spec.yaml'
    agree
    # It holds nothing open.
    lab_run umount "$ROOT"
    agree
    in_instances 'echo "port: 27033" >a/spec.yaml'
    agree
}

@test "a file system that is mounted over instances is watched, and can be unmounted" {
    lab_run mount -t tmpfs over "$INSTANCES"
    agree
    in_instances 'mkdir m; echo "port: 27034" >m/spec.yaml'
    agree
    lab_run umount "$INSTANCES"
    agree
    # Over one instance, too.
    lab_run mount -t tmpfs over "$INSTANCES/a"
    agree
    in_instances 'echo "port: 27035" >a/spec.yaml'
    agree
    lab_run umount "$INSTANCES/a"
    agree
    in_instances 'echo "port: 27036" >a/spec.yaml'
    agree
}

@test "instances that are missing at its start are waited for" {
    lab_run systemctl stop $SERVICE
    in_instances 'cd ..; mv instances away'
    lab_run systemctl start $SERVICE
    run -0 lab_journal $SERVICE --identifier=left4me-reload
    assert_line "waiting for '$INSTANCES' to be there: No such file or directory"
    run -0 lab_run systemctl show --property=StatusText --value $SERVICE
    assert_output --partial 'waiting for its directory'
    agree
    settle
    lab_run sh -c 'cd "$0" && ln -s away instances' "$ROOT"
    sleep 1
    run -0 last_message
    assert_output "waiting for '$INSTANCES' to be there: it is a symbolic link, and none is followed"
    lab_run sh -c 'cd "$0" && rm instances && mv away instances' "$ROOT"
    agree
    run -0 last_message
    assert_output --regexp '^reload: spec of a changed'
    run -0 lab_journal $SERVICE --identifier=left4me-reload
    assert_line "'$INSTANCES' is there"
    in_instances 'echo "port: 27037" >a/spec.yaml'
    agree
}

# --- Start and end ----------------------------------------------------------------------------

# while_off SCRIPT: runs it in instances while the service is off.
while_off() {
    lab_run systemctl stop $SERVICE
    in_instances "$1"
    lab_run systemctl start $SERVICE
}

@test "what was changed while it was off is compiled at its start" {
    while_off 'echo "port: 27038" >a/spec.yaml'
    agree
    while_off 'mkdir b; echo "port: 27039" >b/spec.yaml'
    agree
    # Names alone change here, and no spec is younger than its drop-in.
    while_off 'mv a c; mv b a; mv c b'
    agree
    while_off 'rm -r b'
    agree
    run -0 last_message
    assert_output --regexp '^reload: spec of b changed'
    while_off 'cd ..; install -d -m 2770 -o left4me -g left4me new
        mkdir new/a; cp -a instances/a/spec.yaml new/a
        mv instances old; mv new instances; mv old/a instances/z; rm -r old'
    agree
    while_off 'rm -r z'
    agree
    while_off 'cp -a a ../x; echo "port: 27040" >a/spec.yaml; mv a ../y; mv ../x a; rm -r ../y'
    agree
}

@test "when nothing was changed while it was off, its start causes no reload" {
    while_off ':'
    since=0
    assert_reloads 0
}

@test "after a boot nothing is to be done" {
    lab_reboot
    since=0
    lab_run systemctl is-active $SERVICE
    sleep 1
    assert_reloads 0
    run -0 "$LAB" journal "$LAB_ID" --boot --output=cat --identifier=systemd
    refute_output --partial 'Reloading'
    in_instances 'echo "port: 27041" >a/spec.yaml'
    agree
    assert_reloads 1
}

@test "a reload that fails is told of and tried again, later each time" {
    lab_put "$DENIED" <<'END'
<busconfig><policy user="root">
<deny send_destination="org.freedesktop.systemd1" send_interface="org.freedesktop.systemd1.Manager" send_member="Reload"/>
</policy></busconfig>
END
    reload_bus
    in_instances 'echo "port: 27042" >a/spec.yaml'
    sleep 5.5
    run -0 lab_journal $SERVICE --identifier=left4me-reload --grep='^reload failed'
    assert_line --index 0 --regexp '^reload failed \(spec of a changed\): .*; trying again in 1 s$'
    assert_line --index 1 --regexp '; trying again in 2 s$'
    assert_line --index 2 --regexp '; trying again in 4 s$'
    assert_equal "${#lines[@]}" 3
    lab_run rm "$DENIED"
    reload_bus
    agree 6
    assert_reloads 1
}

@test "systemd may execute itself anew" {
    lab_run systemctl daemon-reexec
    in_instances 'echo "port: 27043" >a/spec.yaml'
    agree 4
    run -0 lab_run systemctl show --property=NRestarts --value $SERVICE
    assert_output 0
}

@test "without its bus it fails, and is there again with what changed meanwhile" {
    lab_run systemctl restart dbus.service
    in_instances 'echo "port: 27044" >a/spec.yaml'
    agree 5
    run -0 lab_journal $SERVICE
    assert_line 'the connection to the system bus is lost'
    assert_line "$SERVICE: Main process exited, code=exited, status=1/FAILURE"
    run -0 lab_run systemctl show --property=NRestarts --value $SERVICE
    assert_output 1
}
