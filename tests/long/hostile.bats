#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/hostile.bats for long. "make check-long" runs it.

# bats file_tags=booted,root

load ../lib/hostile.bash

setup_file() {
    hostile_setup
}

teardown_file() {
    lab_destroy
}

@test "what is swapped during 1,000 starts, stops and cleans leads to nothing outside of the instance" {
    hostile_begin
    hostile_rounds 1000
    hostile_end
    printf '# %s\n' "$output" >&3
    assert_output --regexp '^started [1-9][0-9]* refused [1-9][0-9]* cleaned [1-9][0-9]*$'
    lab_run systemctl stop left4me-server@x
    hostile_verdict
}
