#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What shows only after many rounds. "make check-long" runs it.

# bats file_tags=booted,root

load ../lib/left4me.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=10ms'
}

teardown_file() {
    lab_destroy
}

# What one instance has on the machine.
traces() {
    lab_run sh -c '
        grep -F "runtime/$1/" /proc/self/mountinfo
        pgrep -a -u left4me
        cd /var/lib/left4me && find instances/"$1" runtime/"$1" | sort
        :' - "$1"
}

@test "1,000 rounds of start and stop leave nothing that was not there after the first" {
    spec rounds <<<$'port: 27015\nready: started\nconfig: [standin_leave 0]'
    reload
    start rounds
    stop rounds
    local after_first
    after_first=$(traces rounds)
    lab_run sh -euc 'for i in $(seq 1000); do
        systemctl start left4me-server@rounds
        systemctl stop left4me-server@rounds
    done'
    run -0 traces rounds
    assert_output "$after_first"
}

@test "100 servers that stop at once leave nothing mounted" {
    local -a names=(many{100..199})
    local name port=28000
    for name in "${names[@]}"; do
        port=$((port + 1))
        spec "$name" <<<"{port: $port, config: [standin_leave 1], arguments: [+tv_port $((port + 1000))]}"
    done
    reload
    start "${names[@]}"
    stop "${names[@]}"
    run -1 lab_run grep -F runtime/many /proc/self/mountinfo
    for name in "${names[@]}"; do
        run -0 property "$name" Result
        assert_output success
    done
}

@test "1,000 crashes later it runs, on one mount, and there is no zombie" {
    spec crashes <<<$'port: 27016\nready: started\nconfig: [standin_crash 0]'
    reload
    start crashes
    lab_wait_for 600 sh -c '[ "$(systemctl show --value -p NRestarts "$1")" -ge 1000 ]' - \
        "$(unit crashes)"
    spec crashes <<<'port: 27016'
    wait_answer 27016
    run -0 mounts crashes
    assert_output 1
    run -1 lab_run sh -c 'ps --no-headers -eo stat,ppid,comm | grep "^Z"'
    stop crashes
}

@test "a stop waits for a server that needs 3 s to leave, each of 20 times one after the other" {
    spec leaves <<<$'port: 27017\nconfig: [standin_leave 3]'
    reload
    for round in {1..20}; do
        start leaves
        wait_answer 27017
        stop leaves
        run -0 upper leaves logs/standin.log
        assert_equal "$(grep -cx left <<<"$output")" "$round"
    done
}
