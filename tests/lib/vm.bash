# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A virtual machine on which left4me is installed, with a stand-in for the game: "load lib/vm.bash",
# then
#
#   setup_file() { vm_machine_boot; }
#   teardown_file() { vm_destroy; }
#   @test "…" { run -0 vm_run uname -r; }
#
# VM is the machine that all functions speak of. It ends with the test run, whatever ends that.

# shellcheck disable=SC2034

load "$(dirname "${BASH_SOURCE[0]}")/common.bash"

ROOT=/var/lib/left4me

vm_tool() {
    "$SOURCE/tests/vm/vm" "$@"
}

# vm_machine_boot [BOOT OPTION…]: makes the machine in the file's temporary directory.
vm_machine_boot() {
    local destdir=$BATS_FILE_TMPDIR/destdir
    require_root
    require make mkfs.ext4 mmdebstrap nbdkit qemu-system-x86_64 unshare
    require_built left4me-generator left4me-stage left4me-overlay left4mectl \
        tests/overlay-fallbacks tests/standin/srcds_linux
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
        make --silent -C "$BUILD" install DESTDIR="$destdir" >/dev/null
    "$SOURCE/tests/standin/install" "$destdir$ROOT/installation" "$BUILD/tests/standin/srcds_linux"
    install -D "$BUILD/tests/overlay-fallbacks" "$destdir/usr/local/lib/overlay-fallbacks"
    install -D "$SOURCE/tests/vm/op" "$destdir/usr/local/bin/op"
    export VM=${VM:-$BATS_FILE_TMPDIR/vm}
    vm_boot --install "$destdir" "$@"
}

# vm_boot [BOOT OPTION…]: boots it, or boots it again.
vm_boot() {
    vm_tool boot --owner "$BATS_ROOT_PID" "$@" "$VM"
}

vm_destroy() {
    [[ -z ${VM:-} ]] || vm_tool destroy "$VM"
}

vm_run() {
    vm_tool run "$VM" -- "$@"
}

# vm_put [-m MODE] [-o OWNER[:GROUP]] PATH < FILE
vm_put() {
    local -a options=()
    while [[ $1 == -* ]]; do
        options+=("$1" "$2")
        shift 2
    done
    vm_tool put "${options[@]}" "$VM" "$1"
}

# spec NAME < SPEC
spec() {
    vm_put -m 0640 -o left4me:left4me "$ROOT/instances/$1/spec.yaml"
}

# vm_wait_for SECONDS COMMAND…: runs it in the machine until it succeeds.
vm_wait_for() {
    local seconds=$1 output
    local end=$((SECONDS + seconds))
    shift
    until output=$(vm_run "$@" 2>&1); do
        if ((SECONDS > end)); then
            {
                printf -- '-- not so in %s s: %s\n%s\n' "$seconds" "$*" "$output"
                vm_run systemctl list-units --failed --no-legend --plain
                vm_run journalctl --boot --no-pager --lines=40
            } >&2
            return 1
        fi
        sleep 0.2
    done
}

# vm_answers PORT…: until all of them answer.
vm_answers() {
    local port
    for port in "$@"; do
        vm_wait_for 120 sh -c \
            'quakestat -timeout 2 -retry 3 -xml -a2s "127.0.0.1:$1" | grep -F "status=\"UP\""' - \
            "$port"
    done
}
