#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Starts and stops beside reloads of systemd, for five minutes. "make check-long" runs it.

# bats file_tags=booted,root

load ../lib/left4me.bash
load ../lib/races.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0'
}

teardown_file() {
    lab_destroy
}

@test "no start and no stop fails beside reloads and each other, for five minutes" {
    races 300 | sed 's/^/# /' >&3
    ((PIPESTATUS[0] == 0))
    assert_whole_after_races
}
