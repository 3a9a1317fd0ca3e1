#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-reload.service with more directories than anybody has. "make check-long" runs it.

# bats file_tags=booted,root

# Much is expanded in the machine only.
# shellcheck disable=SC2016

load ../lib/left4me.bash

setup_file() {
    require_built left4me-reload
    machine_boot
}

teardown_file() {
    lab_destroy
}

show() {
    lab_run systemctl show --value --property="$1" left4me-reload.service
}

evidence() {
    printf '# %s; CPU: %s ms, resident: %s kB\n' "$(show StatusText)" \
        "$(($(show CPUUsageNSec) / 1000000))" \
        "$(lab_run awk '$1 == "VmRSS:" { print $2 }' "/proc/$(show MainPID)/status")" >&3
}

# status REGEX: waits for it.
status() {
    lab_wait_for "${2:-20}" sh -c \
        'systemctl show --value --property=StatusText left4me-reload.service | grep -E "$0"' "$1"
}

@test "100,000 directories are watched, from the start and as they come" {
    lab_run sh -euc 'cd "$0"; seq -f "d%06.0f" 50000 | xargs mkdir' "$ROOT/instances"
    lab_run systemctl start left4me-reload.service
    status '^watching 50000 instances; 0 reloads'
    evidence
    lab_run sh -euc 'cd "$0"; seq -f "e%06.0f" 50000 | xargs mkdir' "$ROOT/instances"
    status '^watching 100000 instances; '
    evidence
    lab_run sh -c 'echo "port: 27015" >"$0"' "$ROOT/instances/e050000/spec.yaml"
    lab_wait_for 10 test -e /run/systemd/generator/left4me-server@e050000.service.d/50-left4me.conf
    evidence
}

@test "100,000 directories that are removed at once leave nothing behind" {
    lab_run find "$ROOT/instances" -mindepth 1 -delete
    status '^watching 0 instances; '
    lab_wait_for 20 test ! -e /run/systemd/generator/left4me-server@e050000.service.d
    evidence
    run -0 lab_run sh -c 'cat /proc/"$0"/fdinfo/* | grep -c "^inotify wd:"' "$(show MainPID)"
    assert_output 3
}
