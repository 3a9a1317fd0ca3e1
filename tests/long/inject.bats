#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each system call with each error that it may have, each allocation, each moment of a kill. "make
# check-long" runs it.

# bats file_tags=root

load ../lib/mountns.bash
load ../lib/inject.bash

setup_file() {
    inject_prepare
}

setup() {
    mountns_start
    inject_start
}

teardown() {
    mountns_stop
}

# all SCENARIO…: shows how many there were.
all() {
    local scenario
    for scenario in "$@"; do
        inject --all "$scenario" calls kills allocations | sed 's/^/# /' >&3
        ((PIPESTATUS[0] == 0)) || return 1
    done
}

@test "left4me-generator, whatever fails or ends it" {
    all generator generator-again generator-empty
}

@test "left4me-stage, whatever fails or ends it" {
    all stage stage-again stage-walk
}

@test "left4me-overlay that mounts, whatever fails or ends it" {
    all mount mount-again mount-by-string mount-by-options
}

@test "left4me-overlay that unmounts, whatever fails or ends it" {
    all umount umount-busy umount-nothing
}
