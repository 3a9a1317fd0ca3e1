# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Faults that are injected into left4me's programs: "load lib/mountns.bash" and "load lib/inject.bash",
# then
#
#   setup_file() { inject_prepare; }
#   setup() { mountns_start; inject_start; }
#   teardown() { mountns_stop; }
#   @test "…" { inject generator calls kills; }

inject_prepare() {
    require ip strace /usr/bin/python3
    mountns_prepare left4me-generator left4me-stage left4me-overlay tests/fail-alloc.so
    cp "$SOURCE/tests/inject.py" "$HELPERS"
}

# The user of left4me-stage cannot look into the directory of bats, and the kernel log is everyone's.
inject_start() {
    cp -r "$HELPERS" "/proc/$MOUNTNS_PID/root/var/lib/helpers"
    ns sh -euc 'touch /var/lib/kmsg; chmod 0666 /var/lib/kmsg; mount --bind /var/lib/kmsg /dev/kmsg'
}

# inject [OPTION…] SCENARIO KIND…: see inject.py. With $PROGRAMS, a path inside, it is these.
inject() {
    local -a options=()
    while [[ $1 == --* ]]; do
        options+=("$1")
        [[ $1 != --only ]] || { options+=("$2"); shift; }
        shift
    done
    ns unshare --net sh -euc 'ip link set lo up; exec "$@"' - \
        /usr/bin/python3 /var/lib/helpers/inject.py "${options[@]}" "${PROGRAMS:-/var/lib/helpers}" "$@"
}
