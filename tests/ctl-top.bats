#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl top in a real systemd: in a real terminal, by tmux, and with a pipe in its place.

# bats file_tags=booted,root

# shellcheck disable=SC2154

load lib/left4me.bash

setup_file() {
    require tmux
    require_built left4mectl
    machine_boot
    policy <<<$'[Service]\nRestartSec=100ms\nTimeoutStopSec=5'
    spec played <<<"{port: 27015, arguments: ['+map c2m1_highway', '-maxplayers 8'], config: [standin_players 3]}"
    spec empty <<<'port: 27016'
    spec silent <<<'{port: 27017, ready: started, watchdog: off, config: [standin_hang 0]}'
    spec stopped <<<'port: 27018'
    spec refused <<<'port: 0'
    spec hostile <<<'port: 27019'
    # No spec can have such a map, but whoever answers can.
    lab_put /etc/systemd/system/left4me-server@hostile.service.d/map.conf <<'END_OF_FILE'
[Service]
Type=exec
ExecStart=
ExecStart=/var/lib/left4me/runtime/%i/merged/srcds_run -game left4dead2 -norestart +hostport 27019 +map "x\x1b[2J\x07"
END_OF_FILE
    reload
    start played empty silent hostile
    wait_answer 27015 27016 27019
    lab_wait_for 20 sh -c 'journalctl -o cat -u left4me-server@silent | grep -x hang'
}

teardown_file() {
    lab_destroy
}

teardown() {
    [[ -S $BATS_TEST_TMPDIR/tmux ]] || return 0
    hang_up
    terminal kill-server || :
    lab_wait_for 20 sh -c '! pgrep -x left4mectl'
}

# --- A terminal -------------------------------------------------------------------------------

terminal() {
    tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@" 3>&-
}

# open WIDTH HEIGHT: a shell of the machine in a terminal, with a line on it. It has a terminal of the
# machine's own between, since nsenter and its child, both in one job, are in each other's way when
# that is stopped.
open() {
    terminal new-session -d -x "$1" -y "$2" \
        "'$LAB' run '$LAB_ID' -- script -qc 'bash --norc --noprofile' /dev/null"
    type_line 'clear; stty -g >/run/before; echo be""fore'
    see '^before'
}

type_line() {
    terminal send-keys -l "$1"
    terminal send-keys Enter
}

top() {
    type_line "left4mectl top $*"
}

screen() {
    terminal capture-pane -p
}

# see REGEXP [NUMBER], see_not REGEXP: within 30 seconds a line of the screen, or that line, is such;
# or none is.
see() {
    seen 0 "$@"
}

see_not() {
    seen 1 "$1"
}

seen() {
    local i status
    for ((i = 0; i < 300; i++)); do
        status=0
        screen | sed -n "${3:-1,\$}p" | grep -qE -e "$2" || status=1
        ((status != $1)) || return 0
        sleep 0.1
    done
    printf -- '-- not as it should be: %s %s\n' "$@"
    screen
    return 1
}

# The shell has the terminal again, as it was.
assert_given_back() {
    see_not '^NAME'
    see '^before'
    type_line 'stty -g | cmp - /run/before && echo as be""fore'
    see 'as before'
    run -0 terminal display-message -p '#{alternate_on} #{cursor_flag}'
    assert_output '0 1'
}

# What holds the machine's end of the terminal goes away.
hang_up() {
    lab_run sh -c 'kill -KILL $(pgrep -x script)' || :
}

# The PID of the one that runs, in the machine.
pid() {
    lab_run pgrep -x left4mectl
}

@test "what has to be looked at comes first, then the most players, then who does not run" {
    open 100 20
    top
    see '^stopped'
    run -0 screen
    assert_line --index 0 --regexp '^[0-9:]+  4 of 6 running, 1 silent, 0 failed, 3/[0-9]+ players$'
    assert_line --index 1 --regexp '^NAME +STATE +PLAYERS +MAP +CPU% +MEMORY +LATENCY +RESTARTS +UPTIME$'
    assert_line --index 2 --regexp '^silent +active +- +- .* no-answer +0 +[0-9]+m [0-9]{2}s$'
    assert_line --index 3 --regexp '^played +active +3/8 +c2m1_highway .* [0-9]+\.[0-9]{2}ms +0 +[0-9]+m [0-9]{2}s$'
    assert_line --index 4 --regexp '^empty +active +0/4 '
    assert_line --index 5 --regexp '^hostile +active +0/4 +x\\x1b\[2J\\x07 '
    assert_line --index 6 --regexp '^refused +inactive '
    assert_line --index 7 --regexp '^stopped +inactive +- +- +- .* - +0 +-$'
}

@test "the table follows what happens" {
    open 100 20
    top --interval 200ms
    see '^stopped +inactive'
    # The second table has it.
    see '^played .* [0-9]+\.[0-9] '
    lab_run systemctl start left4me-server@stopped
    see '^stopped +active +0/4'
    lab_run systemctl stop left4me-server@stopped
    see '^stopped +inactive'
    spec new <<<'port: 27030'
    see '^new +inactive'
    lab_run rm -r "$ROOT/instances/new"
    see_not '^new'
}

@test "q leaves, and the terminal is as it was" {
    open 80 20
    top --interval 1h
    see '^stopped'
    run -0 terminal display-message -p '#{alternate_on} #{cursor_flag}'
    assert_output '1 0'
    # Of other keys nothing is seen.
    terminal send-keys x
    terminal send-keys q
    assert_given_back
}

@test "Ctrl-C leaves with status 130, and the terminal is as it was" {
    open 80 20
    top '; echo "status $?"'
    see '^stopped'
    terminal send-keys C-c
    see '^before'
    assert_given_back
    # A shell sees it so too.
    run -130 lab_run timeout --foreground --preserve-status --signal=INT 3 left4mectl top
}

@test "a signal that ends it, and one that comes while systemd is asked, gives the terminal back" {
    open 80 20
    top
    see '^stopped'
    lab_run kill -TERM "$(pid)"
    assert_given_back
    top
    see '^stopped'
    # The bus is silent: it waits for an answer.
    lab_run sh -c 'kill -STOP $(pgrep -x dbus-daemon)'
    sleep 3
    terminal send-keys C-c
    see '^before'
    lab_run sh -c 'kill -CONT $(pgrep -x dbus-daemon)'
    assert_given_back
}

@test "Ctrl-Z gives the terminal back, and fg brings the table again" {
    open 80 20
    top --interval 1h
    see '^stopped'
    terminal send-keys C-z
    see 'Stopped'
    assert_given_back
    type_line fg
    see '^stopped'
    run -0 terminal display-message -p '#{alternate_on} #{cursor_flag}'
    assert_output '1 0'
    terminal send-keys q
    assert_given_back
}

@test "a terminal that goes away ends it" {
    open 80 20
    top --interval 1h
    see '^stopped'
    hang_up
    lab_wait_for 20 sh -c '! pgrep -x left4mectl'
}

@test "a stop that nobody can catch is survived too" {
    open 80 20
    top --interval 1h
    see '^stopped'
    lab_run kill -STOP "$(pid)"
    see 'Stopped'
    type_line fg
    see '^stopped'
    terminal send-keys q
    assert_given_back
}

@test "a terminal of any size gets what fits, without a wrapped line" {
    local size width height
    open 120 20
    top --interval 1h
    see '^stopped'
    for size in 60x20 30x20 30x4 5x4 2x1 200x3 120x20; do
        width=${size%x*} height=${size#*x}
        terminal resize-window -x "$width" -y "$height"
        # Were a line wrapped, the others would not be where they are.
        see '^[0-9]' 1
        ((width < 5 || height < 2)) || see '^NAM' 2
        ((width < 5 || height < 4)) || see '^play' 4
    done
    see '^stopped .* -$'
    terminal send-keys q
    see '^before'
}

# --- No terminal ------------------------------------------------------------------------------

@test "in a pipe the tables follow one another, as plain text" {
    run -0 --separate-stderr lab_run left4mectl top --iterations 2 --interval 100ms
    assert_equal "$stderr" ''
    assert_equal "$(grep -c '^NAME ' <<<"$output")" 2
    assert_equal "$(grep -c 'players$' <<<"$output")" 2
    run -1 grep -P '[^\x20-\x7e]' <<<"$output"
}

@test "without headings it is rows alone, and of those named in their order of need" {
    run -0 --separate-stderr lab_run left4mectl top --no-headings --iterations 1 stopped silent
    assert_equal "${#lines[@]}" 2
    assert_line --index 0 --regexp '^silent '
    assert_line --index 1 --regexp '^stopped '
}

@test "a pipe that nobody reads any more ends it at once, without a word" {
    run -0 --separate-stderr lab_run timeout 60 bash -c \
        'set -o pipefail; left4mectl top --interval 1h | head -1'
    assert_output --regexp 'players$'
    assert_equal "$stderr" ''
}

@test "a terminal that cannot be drawn on gets plain tables" {
    run -0 lab_run env TERM=dumb script -qec 'left4mectl top --iterations 1' /dev/null
    assert_output --partial NAME
    run -1 grep -P '\x1b' <<<"$output"
}

@test "one that waits for a restart stands above those that are well" {
    lab_put /etc/systemd/system/left4me-server@waiting.service.d/later.conf <<<$'[Service]\nRestartSec=1h'
    spec waiting <<<'{port: 27031, ready: started, config: [standin_exit 0]}'
    reload
    start waiting
    lab_wait_for 20 sh -c '[ "$(systemctl show --value -p SubState left4me-server@waiting)" = auto-restart ]'
    run -0 lab_run left4mectl top --iterations 1 --no-headings played waiting
    assert_line --index 0 --regexp '^waiting activating \(auto-restart\) '
    stop waiting
    lab_run rm -r "$ROOT/instances/waiting"
}

@test "servers that do not answer hold up no table" {
    run -0 lab_run bash -c 'time left4mectl top --iterations 1 --no-headings silent'
    assert_output --partial no-answer
}

@test "wrong names and options are told" {
    run -1 lab_run left4mectl top played nosuch
    assert_output "left4mectl: there is no instance 'nosuch'"
    run -2 lab_run left4mectl top ../x
    for value in 0 10ms 2d x ''; do
        run -2 lab_run left4mectl top --interval "$value"
        assert_output 'left4mectl: --interval is no time span from 100ms to 1d, as 2s'
    done
    for value in 0 -1 1x 99999999999999999999 ''; do
        run -2 lab_run left4mectl top --iterations "$value"
        assert_output 'left4mectl: --iterations is no number from 1 on'
    done
    run -1 lab_run unshare --mount sh -c 'mount -t tmpfs tmpfs /run/dbus; exec left4mectl top'
    assert_output 'left4mectl: there is nothing to see: systemd cannot be asked'
}

@test "it needs no more memory and no more descriptors as time goes by" {
    lab_run sh -c 'exec left4mectl top --interval 100ms >/run/tables' &
    # It has made the first tables.
    lab_wait_for 30 sh -c '[ "$(grep -c players /run/tables)" -ge 10 ]'
    usage() {
        lab_run sh -c 'p=$(pgrep -x left4mectl); sed -n "s/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p" /proc/$p/status; ls /proc/$p/fd | wc -l'
    }
    run -0 usage
    local before=("${lines[@]}")
    lab_wait_for 60 sh -c '[ "$(grep -c players /run/tables)" -ge 60 ]'
    run -0 usage
    printf '%s KiB, %s KiB\n' "${before[0]}" "${lines[0]}"
    lab_run kill "$(pid)"
    wait || :
    assert [ "${lines[0]}" -le $((before[0] + 128)) ]
    # But for the sockets of a round.
    assert [ "${lines[1]}" -le $((before[1] + 4)) ]
}
