#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl that is killed at 100 random moments, verb by verb. "make check-long" runs it.

# bats file_tags=booted,root

load ../lib/left4me.bash
load ../lib/killed.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0'
}

teardown_file() {
    lab_destroy
}

@test "create that is killed at 100 random moments leaves an instance whole or none" {
    run -0 killed x 27101 create 100
    # Had it never come too early, the moments would all have been after the end.
    assert_line --regexp '^create: [1-9][0-9]* whole, [1-9][0-9]* none$'
}

@test "edit that is killed at 100 random moments leaves the old spec or the new" {
    run -0 killed x 27101 edit 100
    assert_line 'edit: 100 whole, 0 none'
}

@test "delete that is killed at 100 random moments ends when run again" {
    run -0 killed x 27101 delete 100
    assert_line --regexp '^delete: [1-9][0-9]* whole, [1-9][0-9]* none$'
}
