#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl list, show and check in a real systemd: what they say of units, of what the generator
# made, and of mounts.

# bats file_tags=booted,root

# shellcheck disable=SC2154

load lib/left4me.bash
load lib/json.bash

setup_file() {
    require_built left4mectl
    json_prepare
    machine_boot
    policy <<<$'[Service]\nRestartSec=100ms\nTimeoutStopSec=5'
    layer maps/left4dead2/cfg/mine.cfg <<<'of the layer'
    spec base <<<$'port: 27015\noverlays: [maps]\nconfig: [rcon_password hunter2]'
    reload
    start base
    wait_answer 27015
}

teardown_file() {
    lab_destroy
}

setup() {
    name=t$BATS_TEST_NUMBER
    port=$((27100 + BATS_TEST_NUMBER))
}

teardown() {
    lab_run systemctl disable --now "$(unit "$name")" 2>/dev/null || :
    lab_run systemctl unmask "$(unit "$name")" 2>/dev/null || :
    lab_run systemctl reset-failed "$(unit "$name")" 2>/dev/null || :
    lab_run rm -rf "$ROOT/instances/$name"
    reload
}

ctl() {
    lab_run left4mectl "$@"
}

# row EXPRESSION [NAME]: what it gives in Python, where i is the object that list --json has of NAME.
row() {
    run -0 --separate-stderr ctl --json list
    assert_valid list
    assert_equal "$stderr" ''
    run -0 json "[$1 for i in j if i['name'] == '${2:-$name}'][0]" <<<"$output"
}

# line: its line of the table, with single blanks.
line() {
    run -0 --separate-stderr ctl --no-headings list
    output=$(grep "^$name " <<<"$output" | tr -s ' ')
}

# --- States -----------------------------------------------------------------------------------

@test "an active instance: state, port, memory, since when" {
    row '[i["active_state"], i["sub_state"], i["result"], i["at_boot"], i["port"], i["spec"]]' base
    assert_output "['active', 'running', 'success', 'no', 27015, 'ok']"
    row '[i["needs_reload"], i["needs_restart"]]' base
    assert_output '[False, False]'
    # To the microsecond systemd's own.
    local since
    since=$(lab_run busctl get-property org.freedesktop.systemd1 \
        /org/freedesktop/systemd1/unit/left4me_2dserver_40base_2eservice \
        org.freedesktop.systemd1.Unit ActiveEnterTimestamp)
    row '__import__("datetime").datetime.fromisoformat(i["since"].replace("Z", "+00:00")).strftime("%s%f")' base
    assert_output "${since#t }"
    run -0 --separate-stderr ctl list
    assert_line --index 0 --regexp '^NAME +STATE +AT BOOT +PORT +PLAYERS +MAP +SPEC +MEMORY +SINCE$'
    assert_line --regexp '^base +active +no +27015 +0/4 +c1m1_hotel +ok '
}

@test "an instance whose unit is not loaded is listed like any other" {
    spec "$name" <<<"port: $port"
    reload
    row '[i["active_state"], i["at_boot"], i["port"], i["spec"], i["since"], i["memory"]]'
    assert_output "['inactive', 'no', $port, 'ok', None, None]"
    line
    assert_output "$name inactive no $port - - ok - -"
}

@test "a failed instance says of what" {
    spec "$name" <<<"{port: $port, overlays: [gone]}"
    reload
    run -1 lab_run systemctl start "$(unit "$name")"
    lab_wait_for 30 sh -c '[ "$(systemctl is-failed "$1")" = failed ]' - "$(unit "$name")"
    row '[i["active_state"], i["result"], i["spec"], i["needs_restart"]]'
    assert_output "['failed', '$(property "$name" Result)', 'ok', False]"
    line
    assert_output --regexp "^$name failed \((exit-code|start-limit)\) "
}

@test "a restart that is pending is told" {
    policy <<<$'[Service]\nRestartSec=30\nTimeoutStopSec=5'
    spec "$name" <<<"{port: $port, ready: started, config: [standin_exit 0]}"
    reload
    start "$name"
    lab_wait_for 15 sh -c '[ "$(systemctl show --value -p SubState "$1")" = auto-restart ]' - "$(unit "$name")"
    row '[i["active_state"], i["sub_state"]]'
    assert_output "['activating', 'auto-restart']"
    line
    assert_output --partial 'activating (auto-restart)'
    policy <<<$'[Service]\nRestartSec=100ms\nTimeoutStopSec=5'
}

# --- What servers say ---------------------------------------------------------------------------

@test "players and map are those that a server tells, and nobody is asked for one that does not run" {
    spec "$name" <<<"{port: $port, arguments: ['+map c2m1_highway', '-maxplayers 8'], config: [standin_players 3]}"
    spec "$name-off" <<<"port: $port"
    reload
    start "$name"
    wait_answer "$port"
    row '[i["players"], i["max_players"], i["bots"], i["map"]]'
    assert_output "[3, 8, 1, 'c2m1_highway']"
    row '[i["players"], i["max_players"], i["bots"], i["map"]]' "$name-off"
    assert_output '[None, None, None, None]'
    line
    assert_output --partial "$name active no $port 3/8 c2m1_highway ok "
    run -0 --separate-stderr ctl --json query "$name" base
    assert_valid query
    run -0 json '[(a["name"], a["info"]["map"], len(a["players"])) for a in j]' <<<"$output"
    assert_output "[('$name', 'c2m1_highway', 3), ('base', 'c1m1_hotel', 0)]"
    lab_run rm -rf "$ROOT/instances/$name-off"
}

@test "servers that do not answer hold up the list once and for a moment, not the others" {
    local i before took
    for i in {1..6}; do
        spec "$name-$i" <<<"{port: $((port + 100 * i)), ready: started, config: [standin_hang 0]}"
    done
    reload
    lab_run left4mectl --quiet --once start "$name"-{1..6}
    lab_wait_for 20 sh -c \
        '[ "$(journalctl --no-pager -o cat -u "left4me-server@$1-*" | grep -cx hang)" = 6 ]' - "$name"
    before=${EPOCHREALTIME/[.,]/}
    row '[i["active_state"], i["players"], i["map"]]' "$name-2"
    took=$((${EPOCHREALTIME/[.,]/} - before))
    assert_output "['active', None, None]"
    row '[i["players"], i["map"]]' base
    assert_output "[0, 'c1m1_hotel']"
    printf 'took %d us\n' "$took"
    for i in {1..6}; do
        lab_run systemctl stop --no-block "$(unit "$name-$i")"
        lab_run systemctl kill -s KILL "$(unit "$name-$i")"
        lab_run rm -rf "$ROOT/instances/$name-$i"
    done
    # One after the other it would be 1.8 s.
    ((took > 300000 && took < 1500000))
}

# --- At boot ----------------------------------------------------------------------------------

@test "at boot: enabled, by its spec, both, masked, no" {
    spec "$name" <<<"port: $port"
    reload
    row 'i["at_boot"]'
    assert_output no
    lab_run systemctl enable "$(unit "$name")"
    row 'i["at_boot"]'
    assert_output enabled
    spec "$name" <<<"{port: $port, autostart: true}"
    reload
    row 'i["at_boot"]'
    assert_output enabled
    lab_run systemctl disable "$(unit "$name")"
    row 'i["at_boot"]'
    assert_output spec
    lab_run systemctl mask "$(unit "$name")"
    row 'i["at_boot"]'
    assert_output masked
    lab_run systemctl unmask "$(unit "$name")"
    # Nobody has to reload for what the next boot does.
    spec "$name" <<<"port: $port"
    row '[i["at_boot"], i["needs_reload"]]'
    assert_output "['no', True]"
}

# --- Specs ------------------------------------------------------------------------------------

@test "a refused spec, before and after a reload" {
    spec "$name" <<<"port: $port"
    reload
    spec "$name" <<<'port: 0'
    row '[i["spec"], i["port"], i["needs_reload"]]'
    assert_output "['refused', None, True]"
    reload
    row '[i["spec"], i["needs_reload"]]'
    assert_output "['refused', False]"
    line
    assert_output --partial refused
}

@test "a spec that changed needs a reload, then a restart, then nothing" {
    spec "$name" <<<"port: $port"
    row '[i["spec"], i["needs_reload"], i["needs_restart"]]'
    assert_output "['ok', True, False]"
    line
    assert_output --partial 'changed since reload'
    reload
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, False]'

    start "$name"
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, False]'
    spec "$name" <<<"{port: $port, arguments: [+map a]}"
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[True, True]'
    line
    assert_output --partial 'changed since reload'
    reload
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, True]'
    line
    assert_output --partial 'needs restart'
    lab_run systemctl restart "$(unit "$name")"
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, False]'
    line
    refute_output --partial 'needs'
}

@test "lines of config need a restart, but no reload" {
    spec "$name" <<<"{port: $port, config: [a]}"
    reload
    start "$name"
    spec "$name" <<<"{port: $port, config: [b]}"
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, True]'
}

@test "a reload after the start needs a restart, however old the spec is" {
    spec "$name" <<<"port: $port"
    reload
    spec "$name" <<<"{port: $port, arguments: [+map a]}"
    start "$name"
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[True, False]'
    reload
    row '[i["needs_reload"], i["needs_restart"]]'
    assert_output '[False, True]'
}

@test "a spec that was renamed into place counts from then" {
    spec "$name" <<<"{port: $port, config: [a]}"
    lab_put -m 0640 -o left4me:left4me "$ROOT/instances/$name/new.yaml" <<<"{port: $port, config: [b]}"
    reload
    start "$name"
    lab_run mv "$ROOT/instances/$name/new.yaml" "$ROOT/instances/$name/spec.yaml"
    row 'i["needs_restart"]'
    assert_output True
}

@test "a server that came back by itself took the spec that was there then" {
    spec "$name" <<<"{port: $port, ready: started, config: [standin_exit 1]}"
    reload
    start "$name"
    spec "$name" <<<"{port: $port, config: [a]}"
    row 'i["needs_restart"]'
    assert_output True
    lab_wait_for 20 sh -c '[ "$(systemctl show --value -p NRestarts "$1")" = 1 ]' - "$(unit "$name")"
    wait_answer "$port"
    row '[i["active_state"], i["needs_restart"]]'
    assert_output "['active', False]"
}

@test "a unit whose spec is gone is listed while there is anything of it" {
    spec "$name" <<<"port: $port"
    reload
    start "$name"
    lab_run rm -rf "$ROOT/instances/$name"
    row '[i["active_state"], i["spec"], i["port"], i["needs_reload"]]'
    assert_output "['active', 'missing', None, True]"
    line
    assert_output --partial missing
    run -0 --separate-stderr ctl show "$name"
    assert_line --partial "$ROOT/instances/$name/spec.yaml (missing)"
    assert_line --regexp '^ +Mounted: yes'
    stop "$name"
    # Also while somebody looks at it.
    lab_run systemctl show "$(unit "$name")" >/dev/null
    reload
    run -0 --separate-stderr ctl --json list
    run -0 json "[i for i in j if i['name'] == '$name']" <<<"$output"
    assert_output '[]'
    # What the game wrote is there until it is cleaned.
    run -0 --separate-stderr ctl show "$name"
    lab_run systemctl clean --what=state "$(unit "$name")"
    run -1 --separate-stderr ctl show "$name"
    assert_output ''
}

@test "whoever may not read specs sees units, and is told why not more" {
    run -1 --separate-stderr lab_run setpriv --reuid nobody --regid nogroup --clear-groups \
        left4mectl --json list
    assert_valid list
    assert_equal "$stderr" "left4mectl: cannot read '$ROOT/instances': permission denied: those may who are root or in group left4me"
    run -0 json "[[i['active_state'], i['spec'], i['needs_reload']] for i in j if i['name'] == 'base']" \
        <<<"$output"
    assert_output "[['active', 'unreadable', None]]"
}

@test "without systemd on the bus, list shows what files tell" {
    # No bus at all, in this mount namespace.
    run -0 --separate-stderr lab_run unshare --mount sh -c \
        'mount -t tmpfs tmpfs /run/dbus; exec left4mectl --json list'
    assert_valid list
    assert_equal "$stderr" 'left4mectl: systemd cannot be asked: no states of units are shown'
    run -0 json "[[i['active_state'], i['port'], i['spec']] for i in j if i['name'] == 'base']" <<<"$output"
    assert_output "[[None, 27015, 'ok']]"
}

@test "50 instances are listed at once" {
    local i
    for ((i = 0; i < 50; i++)); do
        printf 'port: %d\n' $((28000 + i)) | spec "many$i"
    done
    reload
    run -0 --separate-stderr ctl --json list
    assert_valid list
    run -0 json "len([i for i in j if i['name'].startswith('many')])" <<<"$output"
    assert_output 50
    local before=${EPOCHREALTIME/[.,]/}
    ctl list >/dev/null
    local took=$((${EPOCHREALTIME/[.,]/} - before))
    printf 'took %d us\n' "$took"
    lab_run sh -c "rm -rf $ROOT/instances/many*"
    assert [ "$took" -lt 1000000 ]
}

# --- show -------------------------------------------------------------------------------------

@test "show of an instance that runs: compiled, mounted, its process" {
    run -0 --separate-stderr ctl --json show base
    assert_valid show
    local json=$output
    run -0 json '[j["compiled"]["exists"], j["compiled"]["agrees"], j["mount"]["mounted"], j["mount"]["moved"]]' <<<"$json"
    assert_output '[True, True, True, []]'
    run -0 json 'j["unit"]["main_pid"]' <<<"$json"
    assert_output "$(property base MainPID)"
    run -0 json '[(h["path"], h["staged"]) for h in j["upper"]["hides"]]' <<<"$json"
    assert_output "[('left4dead2/cfg/server.cfg', True)]"
    refute [ "$(grep -c hunter2 <<<"$json")" != 0 ]

    lab_run sh -c "echo changed >$ROOT/runtime/base/merged/left4dead2/cfg/mine.cfg; rm $ROOT/runtime/base/merged/left4dead2/maps/c1m1_hotel.bsp"
    run -0 --separate-stderr ctl show base
    assert_line '              left4dead2/cfg/mine.cfg (file) hides that of overlays/maps'
    assert_line '              left4dead2/maps/c1m1_hotel.bsp (whiteout) hides that of installation'
    assert_line '              left4dead2/cfg/server.cfg (file, of the spec) hides that of installation'
    assert_line --regexp '^ +Compiled: /run/systemd/generator/.*/50-left4me.conf \(agrees with the spec\)$'
    assert_line --regexp '^ +Unit: left4me-server@base.service, active since '
}

@test "show finds a mount that was moved" {
    spec "$name" <<<"port: $port"
    reload
    start "$name"
    # From another mount namespace, as the game could: there the mount does not hold the directory.
    lab_run unshare --mount --propagation private sh -c \
        'umount -l "$1/merged" && mv "$1/merged" "$1/elsewhere" && mkdir "$1/merged"' - \
        "$ROOT/runtime/$name"
    run -0 --separate-stderr ctl --json show "$name"
    assert_valid show
    run -0 json '[j["mount"]["mounted"], j["mount"]["moved"]]' <<<"$output"
    assert_output "[False, ['$ROOT/runtime/$name/elsewhere']]"
    run -0 --separate-stderr ctl show "$name"
    assert_line --partial "$ROOT/runtime/$name/elsewhere (moved there)"
}

# --- check ------------------------------------------------------------------------------------

@test "check finds a spec that user left4me cannot read, which root can" {
    spec "$name" <<<"port: $port"
    lab_run chown root:root "$ROOT/instances/$name/spec.yaml"
    run -1 --separate-stderr ctl check "$name"
    assert_output "$name: 1 fault"
    assert_equal "$stderr" "left4mectl: $ROOT/instances/$name/spec.yaml: user left4me cannot read it: 'chgrp left4me' and 'chmod 0640' the file, 'chgrp left4me' and 'chmod 2770' its directory"
    lab_run chown root:left4me "$ROOT/instances/$name/spec.yaml"
    run -0 --separate-stderr ctl check "$name"
    assert_output "$name: ok"
}

@test "check needs no rights but to read" {
    run -0 --separate-stderr lab_run setpriv --reuid left4me --regid left4me --init-groups \
        left4mectl check base
    assert_output 'base: ok'
}
