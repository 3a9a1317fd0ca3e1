#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl: each row of the lifecycle, beside what systemctl and files do; and what happens when it
# is killed, interrupted, run many times at once, or edited against.

# bats file_tags=booted,root

load lib/left4me.bash
load lib/killed.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
}

teardown_file() {
    lab_destroy
}

setup() {
    name=t$BATS_TEST_NUMBER
    port=$((27100 + BATS_TEST_NUMBER))
}

ctl() {
    lab_run left4mectl "$@"
}

# create NAME [OPTION…] < SPEC
create() {
    local name=$1
    shift
    lab_run left4mectl "$@" create "$name" -
}

state() {
    lab_run systemctl show --property=ActiveState --value "$(unit "$1")"
}

wait_activating() {
    # Where that is so, "is-active" fails.
    lab_wait_for 10 sh -c '[ "$(systemctl is-active "$1")" = activating ]' - "$(unit "$name")"
}

at_boot() {
    lab_run systemctl is-enabled "$(unit "$1")" || :
}

# What is there of an instance: files, unit, enablement. The same whichever way it came to be.
everything() {
    lab_run sh -c '
        cd /var/lib/left4me
        find instances/"$1" runtime/"$1"/upper -printf "%p %y %m %u:%g\n" 2>/dev/null | grep -v logs/ | sort
        cat instances/"$1"/spec.yaml 2>/dev/null
        systemctl show -p ActiveState,SubState,LoadState,Result,Environment left4me-server@"$1"
        systemctl is-enabled left4me-server@"$1"
        ls /run/systemd/generator | grep -F "@$1."
        :' - "$1" | sed -E "s/\b$1\b/NAME/g; s/27[0-9]{3}/PORT/g"
}

# --- The lifecycle, both ways -----------------------------------------------------------------

# by_files and by_ctl take the same steps, a word each.
by_files() {
    local n=$1 p=$2
    case $3 in
    create)
        lab_run install -d -o left4me -g left4me -m 2770 "$ROOT/instances/$n"
        spec "$n" <<<"port: $p"
        reload
        ;;
    start) lab_run systemctl enable --now "$(unit "$n")" ;;
    stop) lab_run systemctl disable --now "$(unit "$n")" ;;
    change)
        spec "$n" <<<"{port: $p, config: [hostname changed]}"
        reload
        ;;
    reset | delete)
        [[ $3 == reset ]] || lab_run systemctl disable "$(unit "$n")"
        lab_run systemctl stop "$(unit "$n")"
        lab_run systemctl reset-failed "$(unit "$n")" || :
        lab_run systemctl clean --what=state "$(unit "$n")"
        [[ $3 == reset ]] || {
            lab_run rm -r "$ROOT/instances/$n"
            reload
        }
        ;;
    esac
} >/dev/null 2>&1

by_ctl() {
    local n=$1 p=$2
    case $3 in
    create) create "$n" <<<"port: $p" ;;
    change)
        lab_run env EDITOR="sed -i 's/.*/{port: $p, config: [hostname changed]}/'" left4mectl edit "$n"
        ;;
    *) ctl "$3" "$n" ;;
    esac
} >/dev/null

@test "each step by systemctl and files leaves the same as by left4mectl, and they can be mixed" {
    local step way way_of_mixed=files
    for step in create start change stop start reset stop delete; do
        by_files byfiles 27101 "$step"
        by_ctl byctl 27102 "$step"
        "by_$way_of_mixed" mixed 27103 "$step"
        [[ $way_of_mixed == ctl ]] && way_of_mixed=files || way_of_mixed=ctl
        [[ $step != start ]] || wait_answer 27101 27102 27103
        for way in byfiles byctl mixed; do
            everything "$way" >"$BATS_TEST_TMPDIR/$way"
        done
        printf 'after %s\n' "$step"
        diff -u "$BATS_TEST_TMPDIR/byfiles" "$BATS_TEST_TMPDIR/byctl"
        diff -u "$BATS_TEST_TMPDIR/byfiles" "$BATS_TEST_TMPDIR/mixed"
    done
    run -0 lab_run ls "$ROOT/instances" "$ROOT/runtime"
    refute_output --partial mixed
}

# --- create -----------------------------------------------------------------------------------

@test "create places a spec with its owner and mode, and has systemd read it" {
    run -0 create "$name" <<<"port: $port"
    assert_line "$name: created"
    run -0 lab_run stat -c '%a %U:%G %n' "$ROOT/instances/$name" "$ROOT/instances/$name/spec.yaml"
    assert_output "2770 left4me:left4me $ROOT/instances/$name
640 left4me:left4me $ROOT/instances/$name/spec.yaml"
    run -0 property "$name" Environment
    assert_output --partial "L4D2_PORT=$port"
}

@test "create refuses an instance that is there, unless --replace is given" {
    create "$name" <<<"port: $port"
    run -1 create "$name" <<<'port: 1'
    assert_output --partial "$name: there is such an instance: --replace replaces its spec"
    run -0 lab_run cat "$ROOT/instances/$name/spec.yaml"
    assert_output "port: $port"
    run -0 create "$name" --replace <<<"port: $((port + 100))"
    run -0 lab_run cat "$ROOT/instances/$name/spec.yaml"
    assert_output "port: $((port + 100))"
}

@test "create refuses a faulty spec with all its faults, and leaves nothing" {
    run -1 create "$name" <<<$'port: 0\nautostrat: true'
    assert_line --index 0 "standard input:1:7: 'port' is out of range: it is from 1 to 65535"
    assert_output --partial "standard input:2:1: unknown key 'autostrat', did you mean 'autostart'?"
    run -2 lab_run ls "$ROOT/instances/$name"
}

@test "create that was killed before its reload is finished by the same command" {
    create "$name" --no-reload <<<"port: $port"
    run -1 lab_run test -e "/run/systemd/generator/$(unit "$name").d/50-left4me.conf"
    run -0 create "$name" --start <<<"port: $port"
    wait_answer "$port"
    ctl stop "$name"
}

@test "create --replace --start says that a running server needs a restart" {
    create "$name" --start <<<"port: $port"
    run -0 create "$name" --replace --start <<<"port: $((port + 100))"
    assert_line --partial "$name: it ran already, and takes its new spec at its next start"
    ctl stop "$name"
}

@test "what an editor keeps beside a spec is left alone" {
    create "$name" <<<"port: $port"
    lab_put "$ROOT/instances/$name/.spec.yaml.swp" <<<'a swap file'
    create "$name" --replace <<<"port: $((port + 100))"
    run -0 lab_run cat "$ROOT/instances/$name/.spec.yaml.swp"
    assert_output 'a swap file'
}

@test "create --start runs it, at boot too" {
    run -0 create "$name" --start <<<"port: $port"
    wait_answer "$port"
    assert_equal "$(at_boot "$name")" enabled
    ctl stop "$name"
}

# --- start, stop, restart ---------------------------------------------------------------------

@test "start and stop leave enablement alone with --once" {
    create "$name" <<<"port: $port"
    run -0 ctl start --once "$name"
    assert_equal "$(at_boot "$name")" disabled
    ctl start "$name"
    assert_equal "$(at_boot "$name")" enabled
    ctl stop --once "$name"
    assert_equal "$(at_boot "$name")" enabled
    assert_equal "$(state "$name")" inactive
    ctl stop "$name"
    assert_equal "$(at_boot "$name")" disabled
}

@test "an instance with autostart is not enabled, and stop says that it comes back" {
    create "$name" <<<"{port: $port, autostart: true}"
    ctl start "$name"
    assert_equal "$(at_boot "$name")" enabled-runtime
    run -0 ctl stop "$name"
    assert_line "$name: it comes back at the next boot: its spec says 'autostart: true'"
}

@test "a start that fails says why, by the unit's own last words" {
    create "$name" <<<"{port: $port, overlays: [nosuch]}"
    run -1 ctl start "$name"
    assert_line "left4mectl: $name: start failed"
    assert_line "  overlay '$ROOT/overlays/nosuch' does not exist"
    ctl stop "$name"
}

@test "a former failure and a start limit are no obstacle" {
    policy <<<$'[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\nRestartSec=10ms'
    create "$name" <<<"{port: $port, overlays: [$name]}"
    run -1 ctl start "$name"
    lab_wait_for 10 sh -c '[ "$(systemctl is-failed "$1")" = failed ]' - "$(unit "$name")"
    run -1 lab_run systemctl start "$(unit "$name")"
    lab_run mkdir -p "$ROOT/overlays/$name"
    run -0 ctl start "$name"
    wait_answer "$port"
    ctl stop "$name"
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
}

@test "what was edited without a daemon-reload is read by start and restart" {
    create "$name" <<<"port: $port"
    ctl start "$name"
    wait_answer "$port"
    sleep 1.1
    spec "$name" <<<"port: $((port + 100))"
    run -0 ctl restart "$name"
    wait_answer "$((port + 100))"
    ctl stop "$name"
}

@test "a spec that was edited before its unit was ever loaded is read by start too" {
    create "$name" <<<"port: $port"
    sleep 1.1
    spec "$name" <<<"{port: $((port + 100)), autostart: true}"
    run -0 ctl start "$name"
    wait_answer "$((port + 100))"
    # The link of the spec's autostart was there in time.
    assert_equal "$(at_boot "$name")" enabled-runtime
    ctl stop "$name"
}

@test "restart of a server whose spec is gone lets it run" {
    create "$name" --start <<<"port: $port"
    wait_answer "$port"
    lab_run rm "$ROOT/instances/$name/spec.yaml"
    run -1 ctl restart "$name"
    assert_equal "$(state "$name")" active
    ctl delete "$name"
}

@test "several are started side by side, and one that fails does not keep the others from it" {
    create "${name}a" <<<"port: $port"
    create "${name}b" <<<"{port: $((port + 100)), overlays: [nosuch]}"
    create "${name}c" <<<"port: $((port + 200))"
    run -1 ctl start "$name"{a,b,c}
    assert_line "${name}a: started"
    assert_line "left4mectl: ${name}b: start failed"
    assert_line "${name}c: started"
    run -0 ctl stop "$name"{a,b,c}
}

@test "an instance that is not there is not started, and nothing is changed" {
    create "$name" <<<"port: $port"
    run -1 ctl start "$name" nosuch
    assert_line 'left4mectl: nosuch: there is no such instance: it has no spec.yaml'
    assert_equal "$(state "$name")" inactive
    assert_equal "$(at_boot "$name")" disabled
}

@test "with --no-block the job is queued and not waited for" {
    create "$name" <<<"port: $port"
    lab_put "/etc/systemd/system/$(unit "$name").d/slow.conf" <<<$'[Service]\nExecStartPre=sleep 3'
    reload
    run -0 ctl start --no-block --once "$name"
    assert_line "$name: start: the job is queued"
    wait_activating
    ctl stop --once "$name"
}

# --- Interrupted ------------------------------------------------------------------------------

@test "Ctrl-C cancels a pending job and says what state the unit is in, with status 130" {
    create "$name" <<<"port: $port"
    lab_put "/etc/systemd/system/$(unit "$name").d/slow.conf" <<<$'[Service]\nExecStartPre=sleep 30'
    reload
    run -130 lab_run timeout 60 bash -c 'env --default-signal=INT left4mectl start --once "$1" &
        until [[ $(systemctl is-active "left4me-server@$1") == activating ]]; do sleep 0.1; done
        kill -INT $! && wait $!' - "$name"
    assert_line "left4mectl: $name: start was cancelled; the unit is activating now"
    run -0 lab_run systemctl list-jobs --no-legend
    refute_output --partial "$name"
    ctl stop --once "$name"
}

@test "systemd's leave from the bus is said, and not waited for" {
    create "$name" <<<"port: $port"
    lab_put "/etc/systemd/system/$(unit "$name").d/slow.conf" <<<$'[Service]\nExecStartPre=sleep 30'
    reload
    run -1 lab_run timeout 60 bash -c 'timeout 20 left4mectl start --once "$1" &
        until [[ $(systemctl is-active "left4me-server@$1") == activating ]]; do sleep 0.1; done
        systemctl kill --signal=KILL dbus.service; wait $!' - "$name"
    assert_line --partial 'systemd left the bus'
    lab_wait_for 20 busctl status org.freedesktop.systemd1
    ctl stop --once "$name"
}

# --- edit -------------------------------------------------------------------------------------

# edit COMMAND: as the editor, with the copy behind it.
edit() {
    lab_run env EDITOR="$1" left4mectl edit "$name"
}

@test "edit places what is valid and says what needs a restart" {
    create "$name" <<<"port: $port"
    ctl start --once "$name"
    run -0 edit "sed -i s/$port/$((port + 100))/"
    assert_line "$name: its new spec is in place; the port changed, and takes effect at its next start: 'left4mectl restart $name'"
    run -0 edit "sh -c 'echo \"description: x\" >>\"\$1\"' -"
    assert_line "$name: its new spec is in place"
    run -0 property "$name" Description
    assert_output x
    run -0 edit true
    assert_line "$name: unchanged"
    ctl stop --once "$name"
}

@test "edit refuses what is faulty, and keeps what was typed" {
    create "$name" <<<"port: $port"
    run -1 edit "sed -i s/port/prot/"
    assert_line --partial "unknown key 'prot', did you mean 'port'?"
    local copy
    copy=$(sed -nE "s/.*your text is in '([^']*)'.*/\1/p" <<<"$output")
    run -0 lab_run cat "$copy"
    assert_output "prot: $port"
    run -0 lab_run stat -c '%a' "$copy" "$(dirname "$copy")"
    assert_output $'600\n700'
    run -0 lab_run cat "$ROOT/instances/$name/spec.yaml"
    assert_output "port: $port"
}

@test "edit leaves nothing of the text behind, nor do editors that keep a copy" {
    create "$name" <<<"port: $port"
    run -0 edit "sh -c 'cp \"\$1\" \"\$1~\"; echo \"config: [rcon_password hunter2]\" >>\"\$1\"' -"
    run lab_run sh -c 'ls -d /tmp/left4mectl.* | grep -F "" | while read -r d; do ls "$d"; done'
    refute_output --partial "$name.yaml"
}

@test "edit notices that somebody else changed the spec, and loses neither" {
    create "$name" <<<"port: $port"
    run -1 edit "sh -c 'echo port: 1 >$ROOT/instances/$name/spec.yaml; echo port: 2 >\"\$1\"' -"
    assert_line --partial 'somebody else changed its spec meanwhile'
    run -0 lab_run cat "$ROOT/instances/$name/spec.yaml"
    assert_output 'port: 1'
}

# --- reset and delete -------------------------------------------------------------------------

@test "reset removes what was written and keeps the spec" {
    create "$name" --start <<<"port: $port"
    wait_answer "$port"
    run -0 ctl reset "$name"
    assert_equal "$(state "$name")" inactive
    run -2 lab_run ls "$ROOT/runtime/$name"
    run -0 lab_run cat "$ROOT/instances/$name/spec.yaml"
    assert_output "port: $port"
    ctl stop "$name"
}

@test "reset touches nothing while the tree is mounted" {
    create "$name" --start <<<"port: $port"
    wait_answer "$port"
    lab_put "/etc/systemd/system/$(unit "$name").d/leak.conf" <<<$'[Service]\nExecStopPost='
    reload
    run -1 ctl reset "$name"
    assert_line --partial "its tree is still mounted"
    run -0 lab_run test -e "$ROOT/runtime/$name/upper/left4dead2/logs/standin.log"
    lab_run umount "$ROOT/runtime/$name/merged"
    run -0 ctl delete "$name"
}

@test "an instance that cannot be stopped is not touched further" {
    create "$name" --start <<<"port: $port"
    wait_answer "$port"
    lab_put "/etc/systemd/system/$(unit "$name").d/refuse.conf" <<<$'[Unit]\nRefuseManualStop=yes'
    reload
    run -1 ctl delete "$name"
    assert_line --partial 'nothing was removed'
    run -0 lab_run test -e "$ROOT/instances/$name/spec.yaml"
    assert_equal "$(state "$name")" active
    lab_run rm "/etc/systemd/system/$(unit "$name").d/refuse.conf"
    reload
    run -0 ctl delete "$name"
}

@test "delete of what does not exist is success, and so is one that is not loaded or has failed" {
    run -0 ctl delete "$name"
    assert_line "$name: there is no such instance"
    spec "$name" <<<"port: $port"
    run -0 ctl delete "$name"
    run -2 lab_run ls "$ROOT/instances/$name"
    create "$name" <<<"{port: $port, overlays: [nosuch]}"
    run -1 ctl start --once "$name"
    run -0 ctl delete "$name"
    run -2 lab_run ls "$ROOT/runtime/$name"
}

@test "delete forgets an instance whose files are gone, but which is enabled" {
    create "$name" <<<"port: $port"
    lab_run systemctl enable "$(unit "$name")"
    lab_run rm -r "$ROOT/instances/$name"
    reload
    run -0 ctl delete "$name"
    assert_line "$name: deleted"
    assert_equal "$(at_boot "$name")" disabled
}

@test "on a terminal delete asks, and takes no for an answer" {
    create "$name" <<<"port: $port"
    run lab_run script --quiet --return --command "left4mectl delete $name" /dev/null <<<'n'
    assert_output --partial 'Delete 1, with all that was written there? [y/N]'
    run -0 lab_run test -e "$ROOT/instances/$name/spec.yaml"
    run -0 lab_run script --quiet --return --command "left4mectl delete --yes $name" /dev/null
    run -2 lab_run ls "$ROOT/instances/$name"
}

# --- Many at once, and killed -----------------------------------------------------------------

@test "20 created and started by 20 at once all run, with a spec each" {
    lab_run sh -c '
        for i in $(seq 20); do
            printf "port: %d\narguments: [+tv_port %d]\n" $((27300 + i)) $((27400 + i)) |
                left4mectl --quiet create --start many$i - &
        done
        wait'
    wait_answer {27301..27320}
    run -0 lab_run sh -c 'cd "$1" && cat many*/spec.yaml | grep -c ^port: && ls -A many*' - \
        "$ROOT/instances"
    assert_line --index 0 20
    refute_output --partial .spec.yaml.
    lab_run sh -c 'left4mectl --quiet delete $(seq -f many%g 20)'
}

@test "two at once on one instance take turns" {
    create "$name" <<<"port: $port"
    run -0 lab_run sh -c 'flock "$1" sleep 2 & sleep 0.5; left4mectl --quiet delete "$2" 2>&1; wait' - \
        "$ROOT/instances/.$name.lock" "$name"
    assert_output "left4mectl: $name: waiting for another left4mectl that works on it"
    run -2 lab_run ls "$ROOT/instances/$name" "$ROOT/instances/.$name.lock"
}

@test "the game cannot keep its own instance from being deleted" {
    create "$name" --start <<<"port: $port"
    wait_answer "$port"
    lab_run sh -c 'nsenter -t "$1" -m setpriv --reuid left4me --regid left4me --clear-groups \
        flock "$2" sleep 60 >/dev/null 2>&1 &' - "$(property "$name" MainPID)" "$ROOT/instances/$name"
    sleep 0.5
    run -0 lab_run timeout 20 left4mectl delete "$name"
    assert_line "$name: deleted"
}

@test "a start waits for a delete, and then finds nothing to start" {
    create "$name" --start <<<"{port: $port, config: [standin_leave 2]}"
    wait_answer "$port"
    run -0 lab_run sh -c 'left4mectl delete "$1" & sleep 0.5; left4mectl start "$1" 2>&1; wait' - "$name"
    assert_line "$name: deleted"
    assert_line "left4mectl: $name: waiting for another left4mectl that works on it"
    run -2 lab_run ls "$ROOT/instances/$name"
    assert_equal "$(state "$name")" inactive
}

@test "create that is killed at any moment leaves an instance whole or none, and ends when run again" {
    run -0 killed "$name" "$port" create 20
    assert_line --regexp '^create: [0-9]+ whole, [0-9]+ none$'
}

@test "edit that is killed at any moment leaves the old spec or the new, and ends when run again" {
    run -0 killed "$name" "$port" edit 20
    assert_line 'edit: 20 whole, 0 none'
}

@test "delete that is killed at any moment ends when run again" {
    run -0 killed "$name" "$port" delete 20
    assert_line --regexp '^delete: '
}

# --- logs, status, exit statuses --------------------------------------------------------------

@test "logs and status hand over, with what stands behind --" {
    create "$name" <<<"port: $port"
    ctl start --once "$name"
    wait_answer "$port"
    run -0 ctl logs "$name" -- --output=cat --lines=3
    assert_line ready
    run -0 ctl status "$name" -- --lines=0
    assert_output --partial "$(unit "$name")"
    ctl stop --once "$name"
}

@test "actions print one JSON object with --json, and nothing else on standard output" {
    run -0 --separate-stderr create "$name" --json --start <<<"port: $port"
    run -0 jq_like 'd["verb"], d["ok"], [i["result"] for i in d["instances"]]' <<<"$output"
    assert_output "create True ['created', 'done']"
    run -0 --separate-stderr ctl delete --json "$name"
    run -0 jq_like 'd["verb"], d["ok"], [i["result"] for i in d["instances"]]' <<<"$output"
    assert_output "delete True ['done']"
}

# jq_like EXPRESSION: of the JSON value d on standard input, in Python.
jq_like() {
    /usr/bin/python3 -c 'import json, sys; d = json.load(sys.stdin); print(*eval(sys.argv[1]))' "$1"
}

@test "wrong usage is told, with exit status 2" {
    run -2 ctl
    run -2 ctl frobnicate
    run -2 ctl start
    run -2 ctl create "$name"
    run -2 ctl start --frobnicate x
    run -2 ctl start ../x
    run -2 ctl --root /root start x
    run -2 ctl logs _x
}
