#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Starts and stops of servers beside each other, and beside reloads of systemd.

# bats file_tags=booted,root

load lib/left4me.bash
load lib/races.bash

setup_file() {
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0'
}

teardown_file() {
    lab_destroy
}

@test "no start and no stop fails beside reloads and each other, for 20 seconds" {
    races 20
    assert_whole_after_races
}
