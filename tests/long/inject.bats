#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# inject.bats and inject-booted.bats with many more specs. "make check-long" runs it.

# bats file_tags=booted,root

# shellcheck disable=SC2154

load ../lib/inject.bash

setup_file() {
    inject_boot
}

teardown_file() {
    lab_destroy
}

@test "of 5,000,000 specs at random each is exactly the contract's drop-in, with the exact texts" {
    run -0 "$BUILD/tests/inject/inject" --count 5000000
    printf '# %s\n' "$output" >&3
    assert_output --partial 'inject: 5000000 specs:'
}

@test "to systemd, 2,000 specs at random are their texts and no other setting, and so are processes" {
    inject_write 2000
    inject_ask
    inject_start 600
    run inject_compare --seen
    assert_success
    printf '# %s\n' "$output" >&3
    assert_output --regexp 'compare: 2002 specs: .* 602 processes; 0 faults'
}
