#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A state root that is not /var/lib/left4me, as configure --localstatedir makes it.

# bats file_tags=booted,root

load lib/left4me.bash

setup_file() {
    require make
    local build=$BATS_FILE_TMPDIR/build
    mkdir "$build"
    (cd "$build" && "$SOURCE/configure" --quiet --prefix=/usr --localstatedir=/data/games &&
        make --silent && make --silent tests/standin/srcds_linux) >"$build/log" 2>&1 ||
        { cat "$build/log"; return 1; } >&2
    export BUILD=$build ROOT=/data/games/lib/left4me
    machine_boot --state /data/games
}

teardown_file() {
    lab_destroy
}

setup() {
    ROOT=/data/games/lib/left4me
}

@test "an instance runs, stops, and is cleaned, with its state elsewhere" {
    run -0 lab_run readlink /var/lib/left4me
    assert_output "$ROOT"
    spec one <<<$'port: 27015\nconfig: [hostname elsewhere]'
    reload
    start one
    wait_answer 27015
    run -0 answer 27015
    assert_output --partial '<name>elsewhere</name>'
    run -0 mounts one
    assert_output 1
    # The game sees nothing of the state but what is its own.
    run -0 lab_run ls "/proc/$(property one MainPID)/root$ROOT"
    assert_output $'instances\noverlays\nruntime'
    stop one
    run -0 mounts one
    assert_output 0
    lab_run systemctl clean --what=state left4me-server@one
    run -0 lab_run ls "$ROOT/runtime"
    assert_output ''
}
