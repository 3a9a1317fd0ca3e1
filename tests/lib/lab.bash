# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Test machines for bats: "load lib/lab.bash", then
#
#   setup_file() { lab_boot --install "$DESTDIR"; }
#   teardown_file() { lab_destroy; }
#   @test "…" { run -0 lab_run systemctl is-active left4me-servers.target; }
#
# LAB_ID is the machine that all functions speak of; "LAB_ID=$other lab_run …" speaks of another.
# A machine ends with its test file, and with the test run, whatever ends them.

load "$(dirname "${BASH_SOURCE[0]}")/common.bash"

LAB=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../lab/lab

# lab_boot [BOOT OPTION…]: boots a machine and exports LAB_ID.
lab_boot() {
    require_root
    require mmdebstrap nsenter setpriv unshare
    LAB_ID=$("$LAB" boot --owner "$BATS_ROOT_PID" --owner "$$" "$@") || return
    export LAB_ID
}

lab_destroy() {
    [[ -z ${LAB_ID:-} ]] || "$LAB" destroy "$LAB_ID"
}

lab_run() {
    "$LAB" run "$LAB_ID" -- "$@"
}

lab_reboot() {
    "$LAB" reboot "$LAB_ID"
}

# A power cut, and power again.
lab_crash() {
    "$LAB" kill "$LAB_ID" && "$LAB" boot "$LAB_ID" >/dev/null
}

# Prints a path through which the machine's files can be reached. A symlink below it that is
# absolute leads to the host's files: write with lab_put.
lab_root() {
    "$LAB" root "$LAB_ID"
}

# lab_put [-m MODE] [-o OWNER[:GROUP]] PATH < FILE
lab_put() {
    local -a options=()
    while [[ $1 == -* ]]; do
        options+=("$1" "$2")
        shift 2
    done
    "$LAB" put "${options[@]}" "$LAB_ID" "$1"
}

# lab_journal UNIT [ARG…]: its messages since the machine booted, without time and name.
lab_journal() {
    "$LAB" journal "$LAB_ID" --boot --output=cat --unit="$1" "${@:2}"
}

lab_kmsg() {
    "$LAB" kmsg "$LAB_ID"
}

# lab_wait_for SECONDS COMMAND…: runs it in the machine until it succeeds.
lab_wait_for() {
    local seconds=$1 output
    local end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
    shift
    until output=$(lab_run "$@" 2>&1); do
        if ((${EPOCHREALTIME/[.,]/} > end)); then
            {
                printf -- '-- not so in %s s: %s\n%s\n' "$seconds" "$*" "$output"
                printf -- '-- failed units\n'
                lab_run systemctl list-units --failed --no-legend --plain
                printf -- '-- the end of the journal\n'
                "$LAB" journal "$LAB_ID" --lines=30
            } >&2
            return 1
        fi
        sleep 0.05
    done
}
