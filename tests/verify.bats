#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# systemd takes the units, and what left4me-generator writes when systemd's own runner calls it. No
# system is booted for that: systemd-analyze loads units as PID 1 does.

# bats file_tags=root

# $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash

UNITS=/var/lib/units

setup_file() {
    require systemd-analyze
    mountns_prepare left4me-generator left4me-overlay left4me-reload left4me-run left4me-stage \
        left4mectl
}

setup() {
    mountns_start
    LIB=/proc/$MOUNTNS_PID/root/var/lib
    # All below /var/lib, which is the namespace's own: to generators systemd 253 and later hides
    # what is in /tmp.
    mkdir "$LIB/units" "$LIB/generators" "$LIB/helpers" "$STATE/instances"
    cp -r "$BUILD"/units/left4me* "$SOURCE"/units/left4me*.{slice,socket,target,timer} "$LIB/units/"
    cp "$HELPERS/left4me-generator" "$LIB/generators/"
    cp "$HELPERS"/left4me{-overlay,-reload,-stage} "$HELPERS/left4mectl" "$LIB/helpers/"
    # Nothing is installed: the units are to find the helpers where they are here.
    local helperdir
    helperdir=$(sed -n 's/^ExecStartPre=\(.*\)\/left4me-stage %i$/\1/p' \
        "$LIB/units/left4me-server@.service")
    [[ -n $helperdir ]]
    sed -i -e "s|$helperdir/|/var/lib/helpers/|" \
        -e 's|^\(ExecStart=\).*/\(left4mectl \)|\1/var/lib/helpers/\2|' "$LIB"/units/*.service
    # The game is not there before the mount is.
    mkdir -p "$LIB/units/left4me-server@.service.d"
    printf '[Service]\nExecStart=\nExecStart=/bin/sh ${L4D2_PORT} $L4D2_ARGS\n' \
        >"$LIB/units/left4me-server@.service.d/90-test.conf"
    ns sh -c ': >/var/lib/kmsg && mount --bind /var/lib/kmsg /dev/kmsg'
    unset LEFT4ME_ROOT
}

teardown() {
    mountns_stop
}

# spec NAME FORMAT [ARGUMENT…]
spec() {
    mkdir -p "$STATE/instances/$1"
    # shellcheck disable=SC2059
    printf -- "${@:2}" >"$STATE/instances/$1/spec.yaml"
}

# verify UNIT…: without errors of the units that the host has, whatever they are.
verify() {
    ns env SYSTEMD_GENERATOR_PATH=/var/lib/generators SYSTEMD_UNIT_PATH="$UNITS:" \
        systemd-analyze --generators=true --man=no --recursive-errors=no verify "$@"
}

# assert_loaded NAME: its unit is taken without a word.
assert_loaded() {
    run -0 verify "left4me-server@$1.service"
    assert_output ''
}

# assert_accepted NAME: also its spec is. The unit of one that is refused would be loaded as well.
assert_accepted() {
    assert_loaded "$1"
    assert_equal "$(<"$LIB/kmsg")" ''
}

@test "the drop-in of every accepted spec is taken by systemd without a word" {
    local spec names=()
    cp -r "$SOURCE"/tests/golden/accepted/instances "$STATE/"
    for spec in "$STATE"/instances/*/spec.yaml; do
        spec=${spec%/spec.yaml}
        names+=("left4me-server@${spec##*/}.service")
    done
    run -0 verify "${names[@]}"
    assert_output ''
}

@test "a spec that is refused still gives a unit that is loaded" {
    spec refused 'prot: 27015\n'
    spec other 'port: 27016\n'
    assert_loaded refused
    run -0 cat "$LIB/kmsg"
    assert_output --partial "unknown key 'prot', did you mean 'port'?"
    assert_loaded other
}

@test "systemd's runner is what runs the generator, and its drop-in is what is loaded" {
    # The control of all the others: a generator that did nothing would pass them. An unknown key is
    # told with the file that it is in.
    spec x 'port: 27015\n'
    mv "$LIB/generators/left4me-generator" "$LIB/real"
    printf '%s\n' '#!/bin/sh' '/var/lib/real "$@"' \
        'echo Frobnicate=1 >>"$1/left4me-server@x.service.d/50-left4me.conf"' \
        >"$LIB/generators/left4me-generator"
    chmod +x "$LIB/generators/left4me-generator"
    run verify left4me-server@x.service
    assert_output --regexp "generator/left4me-server@x\.service\.d/50-left4me\.conf:[0-9]+: Unknown key (name )?'Frobnicate'"
}

@test "text that is special to unit files reaches the drop-in as text" {
    spec x '%s\n' 'port: 27015' \
        "description: \"50% %n %% \$HOME '\\\"; # [Service] ExecStart=/bin/false\"" \
        'arguments:' "  - '\"%n\" %% %h \\\\ \\\" \$HOME \${HOME} [Service] ; =x'" \
        "  - \"'\\\"' \\u00e4\\U0001F600 \\\\\\\\ #\"" '  - "%"' '  - "x\\\\\\\\"' \
        'overlays:' '  - a+b@c/d.e-f_g'
    assert_accepted x
}

@test "499 overlays and arguments of nearly 64 KiB are taken" {
    spec x 'port: 27015\narguments:\n- "%s"\n' "$(printf '%%%.0s' {1..65000})"
    spec y 'port: 27016\noverlays:\n%s\n' "$(seq -f '- %0100.0f' 499)"
    assert_accepted x
    assert_accepted y
}

@test "without a spec the reload is wanted, and loads" {
    run -0 verify left4me-load.service left4me-servers.target
    assert_output ''
}

@test "every other unit is taken by systemd without a word" {
    local unit units=()
    for unit in "$LIB"/units/left4me*; do
        [[ -f $unit && $unit != *@.* ]] || continue
        units+=("${unit##*/}")
    done
    # Had the pattern met nothing, nothing would have been verified.
    assert_equal "${units[*]}" \
        'left4me-game.slice left4me-load.service left4me-metrics.service left4me-metrics.timer left4me-reload.service left4me-servers.target left4me.slice'
    run -0 verify "${units[@]}"
    assert_output ''
}

@test "an instance's unit is loaded by systemd before it is compiled" {
    assert_loaded nosuch
}

@test "the socket of a console is taken by systemd without a word" {
    run -0 verify left4me-console@x.socket
    assert_output ''
}
