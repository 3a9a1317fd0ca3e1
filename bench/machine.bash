# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A booted machine for the benchmark: left4me as "make install" has it, and bench/game in the place
# of the game. Python runs the rounds inside, as anything from outside would have to enter first.

set -euo pipefail

: "${TOP:?}" "${BUILD:?}" "${OUT:?}"

lab=$TOP/tests/lab/lab
root=/var/lib/left4me
# Where the programs of this directory are in a machine.
inside=/usr/local/lib/left4me-bench

machine='' destdir='' samples=()

# Lets go of the device of an image that has its name yet: many was stopped on the way.
disk_end() {
    [[ ! -e $destdir/disk ]] ||
        losetup --associated "$destdir/disk" --noheadings --output NAME |
        xargs --no-run-if-empty losetup --detach
}

machine_end() {
    local status=0
    [[ -z $machine ]] || "$lab" destroy "$machine" || status=$?
    if [[ -n $destdir ]]; then
        disk_end || status=$?
        rm -rf "$destdir"
    fi
    machine='' destdir=''
    return "$status"
}
trap 'trap "" INT TERM HUP; rm -f "${samples[@]}"; machine_end' EXIT
trap 'exit 130' INT TERM HUP

# make without what an outer make says of itself.
quiet_make() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make --silent -C "$BUILD" "$@" >/dev/null
}

# machine_boot SUITE
machine_boot() {
    destdir=$(mktemp -d "$BUILD/bench.XXXXXX")
    quiet_make bench/game costs/no-openat2
    quiet_make install DESTDIR="$destdir"
    install -D -m 0755 "$BUILD/bench/game" "$destdir$root/installation/srcds_run"
    mkdir -p "$destdir$root/installation/left4dead2/cfg" "$destdir$inside"
    cp "$TOP"/bench/*.py "$BUILD/costs/no-openat2" "$destdir$inside/"
    machine=$(LEFT4ME_LAB_PACKAGES=python3-yaml \
        "$lab" boot --owner "$$" --suite "$1" --install "$destdir")
}

machine_run() {
    "$lab" run "$machine" -- "$@"
}

# measure_part PART ARGUMENT… - has PART.py measure in a machine of each release, and make figures of
# that. A part that needs more of its machine has a function prepare_machine.
measure_part() {
    local part=$1 suite
    shift
    for suite in ${BENCH_SUITES:-bookworm trixie}; do
        machine_boot "$suite"
        ! declare -F prepare_machine >/dev/null || prepare_machine
        samples+=("$OUT/$part.$suite.samples")
        machine_run python3 "$inside/$part.py" measure "$@" >"${samples[-1]}"
        machine_end
    done
    python3 "$TOP/bench/$part.py" figures "${samples[@]}"
}
