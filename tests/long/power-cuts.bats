#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Power cuts at any moment, 30 of them on kernel 6.1 and 5 on 6.12. "make check-long" runs it, for half
# an hour. LEFT4ME_CUTS is another number; tests/vm/power-cuts tells what is held.

# bats file_tags=vm,root

load ../lib/vm.bash

setup() {
    export VM=$BATS_TEST_TMPDIR/vm
}

teardown() {
    vm_destroy
}

cuts() {
    local output status
    vm_machine_boot --suite "$1"
    vm_tool cut "$VM"
    run "$SOURCE/tests/vm/power-cuts" "$VM" "$2"
    # Figures to be kept.
    grep -E '^(seed|cuts|operations)' <<<"$output" | sed 's/^/# /' >&3
    ((status == 0)) || printf '%s\n' "$output" >&2
    return "$status"
}

@test "on kernel 6.1, no power cut loses what was said to be done, nor leaves anything torn or stale" {
    cuts bookworm "${LEFT4ME_CUTS:-30}"
}

@test "on kernel 6.12, no power cut loses what was said to be done, nor leaves anything torn or stale" {
    cuts trixie "${LEFT4ME_CUTS:-5}"
}
