#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What fails once: allocations and system calls, one after the other.

# bats file_tags=root

# Much here is expanded by the shell inside; $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash

ROOT=/var/lib/left4me

setup_file() {
    require strace
    mountns_prepare left4me-generator left4me-stage left4me-overlay tests/fail-alloc.so
}

setup() {
    mountns_start
}

teardown() {
    mountns_stop
}

# A spec whose drop-in is longer than what a stream has memory for at first.
long_spec() {
    local long
    printf -v long 'x%.0s' {1..250}
    mkdir -p "$STATE/instances/x" "$STATE/runtime/x"
    {
        printf 'port: 27015\narguments: ['
        printf "%.0s$long$long$long$long, " {1..6}
        printf ']\noverlays:\n'
        printf -- "- $long/$long/$long/$long/%s\n" {1..9}
    } >"$STATE/instances/x/spec.yaml"
}

# each_allocation STATUS COMMAND…: runs it as often as it allocates, with one allocation more failing
# each time, alone or with all that follow. Then status, output and what it says are those of the
# run as it is, or it says something more.
each_allocation() {
    local out=$BATS_TEST_TMPDIR/out expected=$1 n status more
    shift
    status=0
    ns "$@" >"$out.clean" 2>"$out.clean.err" || status=$?
    assert_equal "$status" "$expected"
    for more in '' +; do
        for ((n = 1; ; n++)); do
            : >"$out.failed"
            status=0
            ns sh -c 'export LD_PRELOAD="$0" FAIL_ALLOC="$1" FAIL_ALLOC_FD=9; shift; exec "$@"' \
                "$HELPERS/fail-alloc.so" "$n$more" "$@" >"$out" 2>"$out.err" 9>"$out.failed" || status=$?
            [[ -s $out.failed ]] || break
            if ((status == expected)) && cmp -s "$out.clean.err" "$out.err"; then
                cmp "$out.clean" "$out"
            elif ((status > 1)) || cmp -s "$out.clean.err" "$out.err"; then
                printf -- '-- allocation %s: status %s\n%s\n' "$n$more" "$status" "$(<"$out.err")"
                return 1
            fi
        done
        # As many at least are its own, and those of libyaml.
        ((n > 10))
    done
}

@test "a drop-in is whole or it is said why not, whatever allocation fails" {
    long_spec
    each_allocation 0 "$HELPERS/left4me-generator" --dry-run
}

@test "left4me-stage comes to its end or says why not, whatever allocation fails" {
    long_spec
    # The port may be another's here, and is left alone with this.
    export L4D2_PORT=27015 L4D2_ARGS='-ip name' L4D2_LOWERDIRS=$ROOT/installation
    each_allocation 0 "$HELPERS/left4me-stage" x
}
