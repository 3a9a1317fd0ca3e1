#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A server that is up is a server that answers: what left4me-run tells systemd, and what comes of it.

# bats file_tags=booted,root

load lib/left4me.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
    # These three need time and nobody's hand: they are looked at in the end.
    spec slow <<<$'port: 27100\nconfig: [standin_slow 20]'
    spec mapchange <<<$'port: 27110\nconfig: [standin_silent 3, standin_silent_for 60]'
    spec off <<<$'port: 27120\nwatchdog: off\nconfig: [standin_hang 3]'
    reload
    lab_run systemctl start --no-block left4me-server@{slow,mapchange,off}
}

teardown_file() {
    lab_destroy
}

# Test N has the instance "n<N>" with a port of its own, and none is left running.
setup() {
    name=n$BATS_TEST_NUMBER
    port=$((27200 + BATS_TEST_NUMBER * 20))
}

teardown() {
    lab_run systemctl stop "left4me-server@n*"
}

status_is() {
    # shellcheck disable=SC2016 # the machine's shell is to expand it
    lab_wait_for "$1" sh -c 'systemctl show --value -p StatusText "$1" | grep -E -- "$2"' - \
        "$(unit "$name")" "$2"
}

journal_has() {
    # shellcheck disable=SC2016
    lab_wait_for "$1" sh -c 'journalctl --boot --output=cat --unit="$1" | grep -E -- "$2"' - \
        "$(unit "$name")" "$2"
}

restarts() {
    # shellcheck disable=SC2016
    lab_wait_for "$1" sh -c '[ "$(systemctl show --value -p NRestarts "$1")" = "$2" ]' - \
        "$(unit "$name")" "$2"
}

# --- Start ------------------------------------------------------------------------------------

@test "a start is over with the first answer, and not before" {
    spec "$name" <<<"{port: $port, config: [standin_slow 3]}"
    reload
    lab_run systemctl start --no-block "left4me-server@$name"
    status_is 20 "^loading: no answer from 127.0.0.1:$port yet"
    run -0 property "$name" ActiveState
    assert_output activating
    lab_run systemctl start "left4me-server@$name"
    run -0 upper "$name" logs/standin.log
    assert_line ready
    run -0 lab_journal "$(unit "$name")"
    assert_line --regexp '^ready after [3-9]\.[0-9] s: c1m1_hotel, 0/4 players'
}

@test "a server that never answers fails after ready_timeout, and its status says why" {
    spec "$name" <<<"{port: $port, ready_timeout: 3s, config: [standin_hang 0]}"
    policy <<<$'[Service]\nRestartSec=1min'
    run -1 lab_run systemctl start "left4me-server@$name"
    status_is 10 "^no answer from 127.0.0.1:$port within 3 s \(no answer\), and it hangs: it uses no CPU"
    run -3 lab_run systemctl status "left4me-server@$name"
    assert_output --partial "Status: \"no answer from 127.0.0.1:$port within 3 s"
    run -0 property "$name" Result
    assert_output exit-code
    lab_run systemctl stop "left4me-server@$name"
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
}

@test "with ready: started a start does not wait for an answer" {
    spec "$name" <<<"{port: $port, ready: started, config: [standin_slow 60]}"
    reload
    start "$name"
    run -0 property "$name" StatusText
    assert_output "started; no answer from 127.0.0.1:$port yet"
}

@test "a start may take longer than systemd's own time-out, with a longer ready_timeout" {
    spec "$name" <<<"{port: $port, ready_timeout: 1min, config: [standin_slow 8]}"
    # Its own alone: at a reload that counts for whatever is starting.
    lab_put "/etc/systemd/system/left4me-server@$name.service.d/99-test.conf" <<<$'[Service]\nTimeoutStartSec=4s'
    reload
    start "$name"
}

@test "a start that takes longer than the default time-out outlasts a daemon-reload and a daemon-reexec" {
    # With either of them systemd forgets by how much the time was extended.
    lab_put /etc/systemd/system.conf.d/90-test.conf <<<$'[Manager]\nDefaultTimeoutStartSec=3s'
    spec "$name" <<<"{port: $port, config: [standin_slow 9]}"
    reload
    lab_run systemctl start --no-block "left4me-server@$name"
    status_is 20 '^loading'
    sleep 4
    reload
    lab_run systemctl daemon-reexec
    lab_run rm /etc/systemd/system.conf.d/90-test.conf
    lab_run systemctl start "left4me-server@$name"
    reload
    restarts 1 0
}

@test "a start can be stopped, and the game gets one SIGINT" {
    spec "$name" <<<"{port: $port, config: [standin_slow 600, standin_leave 0]}"
    reload
    lab_run systemctl start --no-block "left4me-server@$name"
    status_is 20 '^loading'
    # The game looks for signals from here on.
    # shellcheck disable=SC2016
    lab_wait_for 20 sh -c 'grep "^resolve" "$1"' - "$ROOT/runtime/$name/upper/left4dead2/logs/standin.log"
    stop "$name"
    run -0 upper "$name" logs/standin.log
    assert_equal "$(grep -cx sigint <<<"$output")" 1
    run -0 property "$name" Result
    assert_output success
}

@test "another server on the port is told by its name, and its answer does not count" {
    spec "$name" <<<"{port: $port, ready_timeout: 20s, config: [standin_slow 4]}"
    spec "$name-other" <<END
port: $((port + 2))
arguments: [-port $port]
ready: started
config: [hostname of-another]
END
    reload
    lab_run systemctl start --no-block "left4me-server@$name"
    status_is 20 '^loading'
    start "$name-other"
    journal_has 20 "^another server answers at 127.0.0.1:$port: 'of-another', a process of user left4me out of sight, so of another instance; its answer does not count"
    status_is 20 "^another server answers at 127.0.0.1:$port: "
    run -0 property "$name" ActiveState
    assert_output activating
}

# --- What is played ---------------------------------------------------------------------------

@test "status shows map and players, and they change with the game" {
    spec "$name" <<<"{port: $port, watchdog: 4s, config: [standin_players 2, standin_change 4]}"
    reload
    start "$name"
    status_is 5 '^c1m1_hotel, 2/4 players \(1 bot\), version 2\.2\.4\.3$'
    run -0 lab_run systemctl status "left4me-server@$name"
    assert_output --partial 'Status: "c1m1_hotel, 2/4 players (1 bot), version 2.2.4.3"'
    status_is 20 '^c9m9, 3/4 players'
}

@test "a hostile map's name is text in the status and nothing else" {
    spec "$name" <<<"{port: $port, config: [standin_hostile 1]}"
    reload
    start "$name"
    status_is 5 '^evil\?MAINPID=1\?STATUS=\?\[31mowned, 0/4 players'
    run -0 property "$name" MainPID
    refute_output 1
}

# --- Silence ----------------------------------------------------------------------------------

@test "a server that goes silent is started again, once, and the journal says that it hung" {
    spec "$name" <<<"{port: $port, watchdog: 5s, config: [standin_hang 2]}"
    reload
    start "$name"
    # Read at the next start.
    spec "$name" <<<"{port: $port, watchdog: 5s}"
    journal_has 20 "^no answer from 127.0.0.1:$port for [0-9]+ s \(.*\), and it hangs: it uses no CPU; after 5 s the watchdog ends it"
    restarts 40 1
    journal_has 5 "^no answer from 127.0.0.1:$port for [0-9]+ s, and it hangs: it uses no CPU: the watchdog ends it"
    journal_has 5 'Watchdog timeout'
    run -0 lab_journal "$(unit "$name")"
    refute_output --partial stop-post
    wait_answer "$port"
    sleep 8
    restarts 1 1
}

@test "a server that spins and is silent is told to spin, and started again" {
    spec "$name" <<<"{port: $port, watchdog: 5s, config: [standin_spin 2]}"
    reload
    start "$name"
    spec "$name" <<<"{port: $port, watchdog: 5s}"
    journal_has 20 "^no answer from 127.0.0.1:$port for .* and its main thread spins: it never waits; "
    restarts 40 1
    wait_answer "$port"
}

@test "a server that answers while its main thread spins is told to" {
    spec "$name" <<<"{port: $port, watchdog: 5s, config: [standin_spin_answer 1]}"
    reload
    start "$name"
    journal_has 40 '^the server answers, but its main thread spins: it has not waited for [0-9]+ s;'
    restarts 1 0
    lab_run systemctl kill --signal=KILL "left4me-server@$name"
}

@test "a server that is stopped by SIGSTOP ends by the watchdog all the same" {
    spec "$name" <<<"{port: $port, watchdog: 4s}"
    reload
    start "$name"
    lab_run pkill -STOP --parent "$(property "$name" MainPID)"
    restarts 40 1
    wait_answer "$port"
}

# --- Ends -------------------------------------------------------------------------------------

@test "SIGKILL of left4me-run takes the game with it" {
    spec "$name" <<<"port: $port"
    reload
    start "$name"
    local game
    game=$(lab_run pgrep --parent "$(property "$name" MainPID)")
    lab_run systemctl kill --kill-whom=main --signal=KILL "left4me-server@$name"
    restarts 20 1
    run -1 lab_run test -e "/proc/$game"
    wait_answer "$port"
}

@test "the death of the game by a signal is that of the unit" {
    spec "$name" <<<"port: $port"
    policy <<<$'[Service]\nRestartSec=1min'
    start "$name"
    lab_run pkill -KILL --parent "$(property "$name" MainPID)"
    # shellcheck disable=SC2016
    lab_wait_for 10 sh -c '[ "$(systemctl show --value -p SubState "$1")" = auto-restart ]' - \
        "$(unit "$name")"
    run -0 lab_run systemctl show --property=Result --property=ExecMainCode \
        --property=ExecMainStatus "left4me-server@$name"
    assert_line Result=signal
    assert_line ExecMainCode=2
    assert_line ExecMainStatus=9
    lab_run systemctl stop "left4me-server@$name"
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
}

@test "a crash in the game is a failure, and one after a requested stop is a stop" {
    spec "$name" <<<"{port: $port, config: [standin_crash 2]}"
    policy <<<$'[Service]\nRestart=no'
    start "$name"
    # shellcheck disable=SC2016
    lab_wait_for 20 sh -c 'systemctl is-failed "$1"' - "$(unit "$name")"
    run -0 property "$name" ExecMainStatus
    assert_output 11
    run -0 lab_journal "$(unit "$name")" --priority=notice
    assert_line 'the game ended of signal 11 (Segmentation fault), by itself'
    spec "$name" <<<"{port: $port, config: [standin_crash_on_sigint 1, standin_leave 0]}"
    lab_run systemctl reset-failed "left4me-server@$name"
    start "$name"
    stop "$name"
    run -0 property "$name" Result
    assert_output success
    run -0 lab_journal "$(unit "$name")"
    assert_line 'the game crashed (SIGSEGV) on its way out, after the stop'
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
}

@test "a stop kills what the game left behind, too, and unmounts" {
    spec "$name" <<<"{port: $port, config: [standin_daemon 1, standin_orphans 20, standin_leave 0]}"
    reload
    start "$name"
    run -1 lab_run sh -c 'ps --no-headers -eo stat,comm | grep "^Z"'
    stop "$name"
    run -0 mounts "$name"
    assert_output 0
    run -0 lab_journal "$(unit "$name")"
    refute_output --partial 'busy'
}

@test "200 restarts leave no zombie" {
    spec "$name" <<<"{port: $port, ready: started, config: [standin_exit 0, standin_orphans 2]}"
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=1ms'
    start "$name"
    # shellcheck disable=SC2016
    lab_wait_for 300 sh -c '[ "$(systemctl show --value -p NRestarts "$1")" -ge 200 ]' - \
        "$(unit "$name")"
    lab_run systemctl stop "left4me-server@$name"
    run -1 lab_run sh -c 'ps --no-headers -eo stat,ppid,comm | grep "^Z"'
    run -0 mounts "$name"
    assert_output 0
}

# --- What needed its time ---------------------------------------------------------------------

@test "a server that needs 20 s to load was started by its first answer" {
    name=slow
    lab_run systemctl start left4me-server@slow
    journal_has 1 '^ready after 2[0-9]\.[0-9] s: '
    restarts 1 0
}

@test "a server that is silent during a change of map of 60 s is not started again" {
    name=mapchange
    journal_has 100 '^the server answers again, after [67][0-9] s$'
    restarts 1 0
}

@test "with watchdog: off a server that hangs is told of and left alone" {
    name=off
    journal_has 100 'and it hangs: it uses no CPU; the watchdog is off$'
    restarts 1 0
    run -0 property off WatchdogUSec
    assert_output 0
}
