# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Faults that are injected into left4me's programs: "load lib/mountns.bash" and "load lib/fail.bash",
# then
#
#   setup_file() { fail_prepare; }
#   setup() { mountns_start; fail_start; }
#   teardown() { mountns_stop; }
#   @test "…" { inject generator calls kills; }

fail_prepare() {
    require ip strace /usr/bin/python3
    mountns_prepare left4me-generator left4me-stage left4me-overlay tests/fail-alloc.so
    cp "$SOURCE/tests/fail.py" "$HELPERS"
}

# The user of left4me-stage cannot look into the directory of bats, and the kernel log is everyone's.
fail_start() {
    cp -r "$HELPERS" "/proc/$MOUNTNS_PID/root/var/lib/helpers"
    ns sh -euc 'touch /var/lib/kmsg; chmod 0666 /var/lib/kmsg; mount --bind /var/lib/kmsg /dev/kmsg'
}

# inject [OPTION…] SCENARIO KIND…: see fail.py. With $PROGRAMS, a path inside, it is these.
inject() {
    local -a options=()
    while [[ $1 == --* ]]; do
        options+=("$1")
        [[ $1 != --only ]] || { options+=("$2"); shift; }
        shift
    done
    ns unshare --net sh -euc 'ip link set lo up; exec "$@"' - \
        /usr/bin/python3 /var/lib/helpers/fail.py "${options[@]}" "${PROGRAMS:-/var/lib/helpers}" "$@"
}

# --- left4me-stage on file systems that cannot take what it writes ----------------------------------

ROOT=/var/lib/left4me
USER_ID=54321

# instance: with 30 kB of server.cfg, and 20 kB of an alias's.
instance() {
    mkdir -p "$STATE"/{instances/x,overlays/comp/left4dead2/cfg,installation,runtime/x}
    : >"$STATE/installation/srcds_run"
    {
        printf 'port: 27015\noverlays: [{path: comp, alias: comp}]\nconfig:\n'
        printf -- '- say %s\n' {10000..12999}
    } >"$STATE/instances/x/spec.yaml"
    printf 'exec %s\n' {10000..11999} >"$STATE/overlays/comp/left4dead2/cfg/server.cfg"
    printf 'say %s\n' {10000..12999} | head -c -1 >"$BATS_TEST_TMPDIR/server.cfg"
    # What is free of ports here is another's to know.
    export L4D2_PORT=27015 L4D2_ARGS='-ip name' L4D2_LOWERDIRS=$ROOT/overlays/comp:$ROOT/installation
}

stage() {
    ns setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups /var/lib/helpers/left4me-stage x
}

# staged STATUS: each file is whole, or is not there, and with status 0 they are there.
staged() {
    local cfg=$STATE/runtime/x/upper/left4dead2/cfg
    [[ ! -e $cfg/server.cfg ]] || cmp "$cfg/server.cfg" "$BATS_TEST_TMPDIR/server.cfg"
    [[ ! -e $cfg/server_comp.cfg ]] ||
        cmp "$cfg/server_comp.cfg" "$STATE/overlays/comp/left4dead2/cfg/server.cfg"
    (($1)) || [[ -e $cfg/server.cfg && -e $cfg/server_comp.cfg ]]
}
