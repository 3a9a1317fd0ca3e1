#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What of a server's answers is made: the codec of A2S.

load lib/common.bash

setup_file() {
    require_built tests/a2s-test
}

@test "the codec: requests, challenges, answers whole, cut and changed at every byte, and split" {
    local name
    "$BUILD/tests/a2s-test" >"$BATS_TEST_TMPDIR/names"
    while read -r name; do
        run -0 "$BUILD/tests/a2s-test" "$name"
    done <"$BATS_TEST_TMPDIR/names"
    [[ $(wc -l <"$BATS_TEST_TMPDIR/names") == 10 ]]
    run -1 "$BUILD/tests/a2s-test" none
}
