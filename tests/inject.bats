#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Specs that are meant to break out of a drop-in, made at random (tests/inject/inject.c), compiled and
# read back by a reader of our own. inject-booted.bats has systemd read them.

# shellcheck disable=SC2154

load lib/common.bash

setup_file() {
    require_built tests/inject/inject tests/planted/inject-{newline,percent,quote}
}

@test "of 50,000 specs at random each is exactly the contract's drop-in, with the exact texts" {
    run -0 "$BUILD/tests/inject/inject" --count 50000
    assert_output --partial 'inject: 50000 specs:'
}

# found PLANT FAULT: by this seed it is always the same spec that fails.
found() {
    run -1 "$BUILD/tests/planted/inject-$1" --count 50000 --seed 1
    assert_output --regexp "inject: spec [0-9]+: $2:"
}

@test "a percent sign that is not doubled would be found" {
    found percent '(a specifier|a variable whose text is not the spec.s)'
}

@test "a quote that is not escaped would be found" {
    found quote '((a second word|an open quote) in Environment=|a variable whose text is not the spec.s)'
}

@test "a newline that is let through would be found" {
    found newline '(a line that is no setting|an open quote in Environment=)'
}
