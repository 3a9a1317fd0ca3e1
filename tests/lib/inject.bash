# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Specs that are meant to break out of a drop-in, in a real systemd: "load lib/inject.bash", then
#
#   setup_file() { inject_boot; }
#   teardown_file() { lab_destroy; }
#   @test "…" {
#       inject_write 100
#       inject_ask
#       inject_start 20
#       run -0 inject_compare --seen
#   }
#
# $dir is where specs and what was seen of them are.

# shellcheck disable=SC2034,SC2154

load "$(dirname "${BASH_SOURCE[0]}")/left4me.bash"

PYTHON=/usr/bin/python3

inject_boot() {
    require_built tests/inject/inject tests/inject/dump tests/planted/generator-{newline,percent,quote}
    "$PYTHON" -c 'import yaml' 2>/dev/null || cannot_run 'python3-yaml is not installed'
    machine_boot
    lab_put -m 0755 /usr/local/bin/dump <"$BUILD/tests/inject/dump"
    generated | grep -v 'left4me' >"$BATS_FILE_TMPDIR/generated" || :
}

# All that generators wrote.
generated() {
    lab_run sh -c 'cd /run/systemd && find generator* -mindepth 1 -printf "%y %p -> %l\n"'
}

# inject_write N [INJECT OPTION…]: N specs at random, and one of each kind to compare with.
inject_write() {
    dir=$BATS_TEST_TMPDIR/inject
    mkdir -p "$dir/instances"/{accepted,refused}
    # Units of a test before stay loaded where the target wants them, with their state.
    "$BUILD/tests/inject/inject" --count "$1" --write "$dir" --prefix "test$BATS_TEST_NUMBER" "${@:2}"
    echo 'port: 1' >"$dir/instances/accepted/spec.yaml"
    echo 'port: 0' >"$dir/instances/refused/spec.yaml"
    lab_run sh -c 'rm -rf /var/lib/left4me/instances/* && tar -x -C /var/lib/left4me/instances' \
        < <(tar -c -C "$dir/instances" .)
}

# What PID 1 makes of them: all properties of each unit, by its own interface.
inject_ask() {
    reload
    generated | grep -vxFf "$BATS_FILE_TMPDIR/generated" >"$dir/files"
    lab_run sh -euc 'cd /var/lib/left4me/instances && for name in *; do
        printf "%s " "$name"
        busctl --json=short call org.freedesktop.systemd1 \
            "/org/freedesktop/systemd1/unit/left4me_2dserver_40${name}_2eservice" \
            org.freedesktop.DBus.Properties GetAll s ""
    done' >"$dir/properties"
}

# inject_start N: starts the first N of them, and the controls, as a process that tells what it got:
# the drop-ins stay, the rest of the unit does not.
inject_start() {
    lab_put /etc/systemd/system/left4me-server@.service <<<'[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
ExecStart=/usr/local/bin/dump /run/dumped/%i $L4D2_ARGS'
    lab_run sh -euc 'mkdir -p /etc/systemd/system/left4me-server@.service.d /run/dumped
        ln -sf /dev/null /etc/systemd/system/left4me-server@.service.d/10-hardening.conf
        systemctl daemon-reload
        cd /var/lib/left4me/instances
        ls -d test* | head -n "$1" | xargs -n 100 sh -euc '\''
            systemctl start $(printf "left4me-server@%s " "$@")'\'' -
        systemctl start left4me-server@accepted left4me-server@refused' - "$1"
    mkdir -p "$dir/started"
    lab_run tar -c -C /run/dumped . | tar -x -C "$dir/started"
    lab_run sh -euc 'rm -r /run/dumped /etc/systemd/system/left4me-server@.service \
        /etc/systemd/system/left4me-server@.service.d/10-hardening.conf'
}

inject_compare() {
    "$PYTHON" "$SOURCE/tests/inject/compare" "$@" "$dir"
}

# inject_plant PLANT: a generator with a fault in the place of ours.
inject_plant() {
    lab_put -m 0755 /etc/systemd/system-generators/left4me-generator \
        <"$BUILD/tests/planted/generator-$1"
}

inject_unplant() {
    lab_run rm -f /etc/systemd/system-generators/left4me-generator
}
