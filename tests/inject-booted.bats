#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Specs that are meant to break out of a drop-in, made at random, as systemd itself reads what is
# compiled of them. tests/long/inject.bats does it with more of them.

# bats file_tags=booted,root

# shellcheck disable=SC2154

load lib/inject.bash

setup_file() {
    inject_boot
}

teardown_file() {
    lab_destroy
}

@test "to systemd, 100 specs at random are their texts and no other setting, and so are processes" {
    inject_write 100
    inject_ask
    inject_start 30
    run inject_compare --seen
    assert_success
    assert_output --regexp 'compare: 102 specs: .* 32 processes; 0 faults'
}

# found PLANT WHAT
found() {
    inject_write 40 --seed 1
    inject_plant "$1"
    inject_ask
    inject_unplant
    run -1 inject_compare
    assert_output --partial "$2"
}

@test "systemd's reading would show a percent sign that is not doubled" {
    found percent 'Environment is not the spec'\''s'
}

@test "systemd's reading would show a quote that is not escaped" {
    found quote 'Environment is not the spec'\''s'
}

@test "systemd's reading would show a newline that is let through" {
    found newline 'it is accepted, and should not be'
}
