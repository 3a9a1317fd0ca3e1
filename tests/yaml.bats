#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The documents of the YAML test suite (tests/yaml-test-suite) in the place of specs. None of them is
# one.

# shellcheck disable=SC2154

load lib/common.bash

SUITE=$SOURCE/tests/yaml-test-suite

setup_file() {
    require_built left4me-generator
}

setup() {
    unset LEFT4ME_ROOT JOURNAL_STREAM
    root=$BATS_TEST_TMPDIR/root
}

# documents PREFIX [MARK]: makes each of them, or each that the suite calls MARK, the spec of an
# instance, behind PREFIX.
documents() {
    local name mark
    while read -r name mark; do
        [[ -z ${2:-} || $mark == "$2" ]] || continue
        mkdir -p "$root/instances/$name"
        { printf '%s' "$1" && cat "$SUITE/$name.yaml"; } >"$root/instances/$name/spec.yaml"
    done <"$SUITE/index.tsv"
}

dry_run() {
    "$BUILD/left4me-generator" --dry-run --root "$root"
}

# The instances of whose drop-in $output shows the key.
with_key() {
    awk -v key="$1" '
        /^# left4me-server@/ { name = $2; sub(/.*@/, "", name); sub(/\.service.*/, "", name) }
        index($0, key "=") == 1 { print name }' <<<"$output" | sort -u
}

@test "none of the suite's documents is taken for a spec, and each is told why" {
    local name
    documents ''
    run -1 --separate-stderr dry_run
    run -0 diff <(cut -f1 "$SUITE/index.tsv" | sort) <(with_key Restart)
    assert_output ''
}

@test "each of the suite's documents is refused with a message that names it" {
    documents ''
    run -1 --separate-stderr dry_run
    while read -r name _; do
        grep -qE "^$root/instances/$name/spec.yaml(:[0-9]+:[0-9]+)?: [^ ]" <<<"$stderr" ||
            fail "nothing is told of $name"
    done <"$SUITE/index.tsv"
}

@test "behind a port, a document is a spec only where it adds nothing" {
    documents $'port: 27015\n'
    run -1 --separate-stderr dry_run
    run -0 with_key Environment
    assert_output $'8G76\n98YD\nAVM7\nHWV9\nQT73'
    local -a files=("${lines[@]/#/$SUITE/}")
    files=("${files[@]/%/.yaml}")
    # Comments, blank lines, the end of a document.
    run -1 grep -vE '^[[:space:]]*(#.*)?$|^\.\.\.$' "${files[@]}"
}
