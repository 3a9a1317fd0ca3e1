#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What left4me's programs cost, in system calls and in instructions, is held against what it cost when
# somebody last said that this is right: see bench/costs.

# bats file_tags=root

# $output and the like are bats's.
# shellcheck disable=SC2154

load lib/common.bash

setup_file() {
    local status=0
    require_root
    require gcc nsenter setpriv strace unshare valgrind /usr/bin/python3
    require_built costs/floor costs/left4me-{generator,overlay,stage} costs/no-openat2 \
        costs/planted/generator-{calls,clear}
    costs --only nothing || status=$?
    ((status != 77)) || cannot_run 'costs cannot be counted here, or there is nothing to hold them against'
    ((status == 0))
}

costs() {
    TOP=$SOURCE /usr/bin/python3 "$SOURCE/bench/costs" --check "$@" 3>&-
}

@test "no program takes more system calls or instructions than it did" {
    costs --only ''
}

@test "a system call more for each instance is found, and named" {
    run -1 costs --only generator.calls --replace left4me-generator=costs/planted/generator-calls
    assert_line --partial 'more: system calls of left4me-generator per instance: '
    assert_line --regexp '^ +newfstatat: 1 -> 2$'
    assert_output --partial 'make costs'
}

@test "instructions more for each instance are found, and told by how many" {
    run -1 costs --only generator.instructions --replace left4me-generator=costs/planted/generator-clear
    assert_line --regexp '^more: instructions of left4me-generator, 1,000 instances: .* \(\+[0-9.]+%'
    assert_output --partial 'callgrind_annotate'
}
