#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each system call with each error that it may have, each allocation, each moment of a kill. "make
# check-long" runs it.

# bats file_tags=root

load ../lib/mountns.bash
load ../lib/fail.bash

setup_file() {
    fail_prepare
}

setup() {
    mountns_start
    fail_start
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

@test "left4me-stage and left4me-overlay on an ext4 that is full, but for 0 to 80 kB" {
    local free full=0 fits=0 total
    require mkfs.ext4
    ns sh -euc 'truncate -s 2M /var/lib/disk; mkfs.ext4 -q -m 0 -O ^has_journal -N 64 /var/lib/disk
        mount -o loop /var/lib/disk "$1"' - "$ROOT" || cannot_run 'there is no loop device to be had'
    instance
    total=$(stat -f -c %a "$STATE")
    total=$((total * $(stat -f -c %S "$STATE") / 1024))
    for ((free = 0; free <= 80; free += 2)); do
        rm -rf "$STATE/runtime"
        mkdir -p "$STATE/runtime/x"
        chown "$USER_ID:$USER_ID" "$STATE/runtime/x"
        ns fallocate -l "$((total - free - 4))K" "$ROOT/filler"
        run stage
        if ((status)); then
            assert_equal "$status" 1
            assert_output --regexp "^left4me-stage: cannot stage '$ROOT/runtime/x/.*': No space left on device$"
            full=$((full + 1))
        else
            fits=$((fits + 1))
        fi
        staged "$status"
        # Upper and work it may not have come to; if it did, a mount may still need a directory more.
        run ns /var/lib/helpers/left4me-overlay mount x
        if ((status)); then
            assert_output --partial 'left4me-overlay: '
            assert_equal "$(mounts_on "$ROOT/runtime/x/merged")" ''
        else
            ns /var/lib/helpers/left4me-overlay umount x
        fi
        rm "$STATE/filler"
    done
    ((full > 15 && fits > 5))
}
