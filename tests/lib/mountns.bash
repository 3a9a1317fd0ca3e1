# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A mount namespace with a PID 1 of its own and a state root on tmpfs: "load lib/mountns.bash", then
#
#   setup() { mountns_start; }
#   teardown() { mountns_stop; }
#   @test "…" { run -0 ns "$HELPERS/left4me-overlay" mount x; }
#
# ns runs a command in it. The test itself stays outside and reaches the state root by $STATE;
# programs know it as /var/lib/left4me. It ends with the test, whatever ends that.

# shellcheck disable=SC2034

load "$(dirname "${BASH_SOURCE[0]}")/common.bash"

# mountns_prepare PROGRAM…: call it in setup_file. Programs of the build directory are copied to
# $HELPERS, since that directory may lie below what the namespace hides.
mountns_prepare() {
    local program
    require_root
    require findmnt nsenter pgrep setpriv unshare
    require_built "$@"
    export HELPERS=$BATS_FILE_TMPDIR/helpers
    mkdir -p "$HELPERS"
    for program in "$@"; do
        cp "$BUILD/$program" "$HELPERS/"
    done
}

mountns_start() {
    local ready
    # The host may have no /var/lib/left4me, and is not to get one. / is shared, as systemd has it.
    exec {mountns_output}< <(exec setpriv --pdeathsig KILL \
        unshare --mount --pid --fork --mount-proc --kill-child --propagation private \
        sh -euc '
            mount -t tmpfs -o mode=0755 left4me-test /var/lib
            mkdir -p /var/lib/left4me/overlays /var/lib/left4me/runtime
            mkfifo /var/lib/never
            mount -t tmpfs -o mode=0755 left4me-test /run
            mount --make-rshared /
            echo ready
            exec sleep infinity' 3>&-)
    MOUNTNS_UNSHARE=$!
    read -r -u "$mountns_output" ready && [[ $ready == ready ]]
    MOUNTNS_PID=$(pgrep -P "$MOUNTNS_UNSHARE")
    STATE=/proc/$MOUNTNS_PID/root/var/lib/left4me
}

mountns_stop() {
    [[ -n ${MOUNTNS_UNSHARE:-} ]] || return 0
    kill -KILL "$MOUNTNS_UNSHARE"
    # Its standard output was also that of PID 1: at its end both are gone.
    read -r -t 10 -u "$mountns_output" _ || :
    exec {mountns_output}<&-
}

ns() {
    nsenter --target "$MOUNTNS_PID" --mount --pid -- "$@" 3>&-
}

# ns_background COMMAND…: starts it, which has to print a line when it is where it should be,
# which is the PID that it has inside: it goes to NS_BACKGROUND. "read </var/lib/never" waits for ever,
# without a child.
ns_background() {
    local fd line
    exec {fd}< <(exec nsenter --target "$MOUNTNS_PID" --mount --pid -- "$@" 3>&-)
    read -r -t 10 -u "$fd" line || return
    exec {fd}<&-
    NS_BACKGROUND=$line
}

# The mounts on a path of the namespace, one line each, the oldest first.
mounts_on() {
    awk -v path="$1" '$5 == path' "/proc/$MOUNTNS_PID/mountinfo"
}

# kernel_has MAJOR.MINOR
kernel_has() {
    [[ $(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1) == "$1" ]]
}
