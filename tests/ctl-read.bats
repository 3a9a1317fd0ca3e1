#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl check, list and show on trees of files: no systemd is asked, and nothing is written.
# What they say of units is seen in ctl-list.bats.

# shellcheck disable=SC2154

load lib/json.bash

setup_file() {
    require_built left4mectl left4me-generator
    json_prepare
}

setup() {
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/instances" "$root/overlays" "$root/installation/left4dead2/cfg"
    touch "$root/installation/srcds_run"
    unset LEFT4ME_ROOT JOURNAL_STREAM
}

ctl() {
    "$BUILD/left4mectl" --root "$root" "$@"
}

# Root without what makes root root, or whoever runs the tests: permissions count.
powerless() {
    if ((EUID == 0)); then
        setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all "$@"
    else
        "$@"
    fi
}

# spec NAME [FORMAT [ARGUMENT…]]: the spec of an instance, by printf.
spec() {
    local name=$1
    shift
    mkdir -p "$root/instances/$name"
    # shellcheck disable=SC2059
    printf -- "${@:-port: 27015\n}" >"$root/instances/$name/spec.yaml"
}

# --- check: specs -----------------------------------------------------------------------------

@test "check of good instances is a line for each, and nothing else" {
    spec one
    spec two 'port: 27016\n'
    run -0 --separate-stderr ctl check
    assert_output $'one: ok\ntwo: ok'
    assert_equal "$stderr" ''
    run -0 --separate-stderr ctl check two
    assert_output 'two: ok'
    run -0 --separate-stderr ctl --quiet check
    assert_output ''
}

@test "check reports every fault as the generator does" {
    local tree=$SOURCE/tests/golden/refused
    run -1 --separate-stderr "$BUILD/left4me-generator" --dry-run --root "$tree"
    printf '%s\n' "$stderr" >"$BATS_TEST_TMPDIR/expected"
    # It also says what the host lacks for those that are accepted.
    run -1 --separate-stderr "$BUILD/left4mectl" --root "$tree" check
    sed -e 's/^left4mectl: /left4me-generator: /' -e '/: installation .* does not exist/d' \
        -e '/: instance [^ ]*: /d' <<<"$stderr" | diff -u "$BATS_TEST_TMPDIR/expected" -
    assert [ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -gt 50 ]
}

@test "check counts faults and warnings, and exits 1 for faults only" {
    spec bad 'prot: 1\nautostart: yes\n'
    spec warned 'port: 1\narguments: [-game x]\n'
    run -1 --separate-stderr ctl check
    assert_output $'bad: 2 faults\nwarned: ok, 1 warning'
    run -0 --separate-stderr ctl check warned
    run -1 --separate-stderr ctl --quiet check
    assert_output ''
    assert_equal "${stderr_lines[0]}" \
        "$root/instances/bad/spec.yaml:1:1: unknown key 'prot', did you mean 'port'?"
}

@test "check --json has every fault with its place" {
    spec bad 'prot: 1\nautostart: yes\n'
    spec good 'port: 27016\n'
    run -1 --separate-stderr ctl --json check
    assert_valid check
    run -0 json '[(i["name"], i["file"], i["ok"], i["port"], i["path"]) for i in j]' <<<"$output"
    assert_output "[('bad', None, False, None, '$root/instances/bad/spec.yaml'), ('good', None, True, 27016, '$root/instances/good/spec.yaml')]"
    run -1 --separate-stderr ctl --json check bad
    run -0 json '[(f["level"], f["line"], f["column"], f["message"]) for f in j[0]["faults"]]' \
        <<<"$output"
    assert_output "[('error', 1, 1, \"unknown key 'prot', did you mean 'port'?\"), ('error', 2, 12, \"'autostart' is 'true' or 'false'\")]"
}

@test "check quotes nothing of config, and show tells no more than its lines" {
    spec a 'port: 1\nconfig:\n  - rcon_password hunter2\n  - [sv_password hunter2]\n'
    spec b 'port: 2\nconfig: |\n  rcon_password hunter2\n  x\n'
    local verb
    for verb in 'check' '--json check' 'list' '--json list' 'show a' '--json show a' 'show b' \
        '--json show b'; do
        # shellcheck disable=SC2086
        run ctl $verb
        refute_output --partial hunter2
    done
    run -0 --separate-stderr ctl --json show b
    run -0 json 'j["spec"]["config_lines"]' <<<"$output"
    assert_output 2
}

@test "check of no instances is no news" {
    run -0 --separate-stderr ctl check
    assert_output ''
    assert_equal "$stderr" "left4mectl: there are no instances in '$root/instances'"
    rmdir "$root/instances"
    run -0 --separate-stderr ctl --json check
    assert_output '[]'
    run -0 ctl --quiet check
    assert_output ''
}

@test "check names what lies in instances and is none" {
    mkdir "$root/instances/empty" "$root/instances/a b" "$root/instances/.hidden" \
        "$root/instances/"$'x\n\e[2Jforged'
    touch "$root/instances/file"
    spec one
    run -0 --separate-stderr ctl check
    assert_output 'one: ok'
    assert_equal "${#stderr_lines[@]}" 4
    local no_name=': no name for an instance (1 to 64 of a-z A-Z 0-9 _ -, the first a letter or digit), ignoring'
    grep -Fx "left4mectl: '$root/instances/a b'$no_name" <<<"$stderr"
    grep -Fx "left4mectl: '$root/instances/x\\x0a\\x1b[2Jforged'$no_name" <<<"$stderr"
    grep -Fx "left4mectl: '$root/instances/file' is no directory, ignoring" <<<"$stderr"
    grep -Fx "left4mectl: '$root/instances/empty' holds no spec.yaml, ignoring" <<<"$stderr"
    run -0 --separate-stderr ctl --json check
    assert_valid check
    run -0 json 'sorted((i["name"] or "", len(i["faults"])) for i in j)' <<<"$output"
    assert_output "[('', 1), ('', 1), ('', 1), ('', 1), ('one', 0)]"
}

@test "check of an instance that does not exist is a fault, of no name wrong usage" {
    run -1 --separate-stderr ctl check nobody
    assert_output 'nobody: 1 fault'
    assert_equal "$stderr" \
        "left4mectl: $root/instances/nobody/spec.yaml: does not exist: there is no instance nobody"
    run -2 --separate-stderr ctl check 'no body'
    assert_output ''
}

@test "check says how to mend a spec that cannot be read" {
    spec one
    chmod 0 "$root/instances/one/spec.yaml"
    run -1 --separate-stderr powerless "$BUILD/left4mectl" --root "$root" check
    assert_output 'one: 1 fault'
    assert_equal "$stderr" "left4mectl: $root/instances/one/spec.yaml: cannot be read: permission denied: 'chgrp left4me' and 'chmod 0640' the file, 'chgrp left4me' and 'chmod 2770' its directory"
    run -0 --separate-stderr powerless "$BUILD/left4mectl" --root "$root" --json list
    assert_valid list
    run -0 json 'j[0]["spec"]' <<<"$output"
    assert_output unreadable
    chmod 0 "$root/instances"
    run -1 --separate-stderr powerless "$BUILD/left4mectl" --root "$root" check
    assert_equal "$stderr" "left4mectl: cannot read '$root/instances': permission denied: those may who are root or in group left4me"
    chmod 0755 "$root/instances"
}

# --- check: files -----------------------------------------------------------------------------

@test "check takes files, which are no instances" {
    cd "$BATS_TEST_TMPDIR"
    printf 'port: 27015\noverlays: [maps]\n' >new.yaml
    printf 'port: 0\n' >bad.yml
    mkdir "$root/overlays/maps"
    spec one
    # The file's port may be that of the instance that it is to replace.
    run -0 --separate-stderr ctl check new.yaml one
    assert_output $'new.yaml: ok\none: ok'
    assert_equal "$stderr" ''
    run -1 --separate-stderr ctl check ./bad.yml
    assert_output './bad.yml: 1 fault'
    assert_equal "${stderr_lines[0]}" "./bad.yml:1:7: 'port' is out of range: it is from 1 to 65535"
    rmdir "$root/overlays/maps"
    run -1 --separate-stderr ctl --json check new.yaml
    assert_valid check
    run -0 json '[(i["name"], i["file"], i["path"], [f["message"] for f in i["faults"]]) for i in j]' \
        <<<"$output"
    assert_output "[(None, 'new.yaml', 'new.yaml', [\"overlay '$root/overlays/maps' does not exist\"])]"
}

@test "check reads a file through links and pipes, and no more than a spec may be" {
    local file=$BATS_TEST_TMPDIR/x.yaml
    printf 'port: 27015\n' >"$file"
    ln -s x.yaml "$BATS_TEST_TMPDIR/link.yaml"
    run -0 ctl check "$BATS_TEST_TMPDIR/link.yaml"
    run -0 ctl check /dev/stdin < <(cat "$file")
    assert_output '/dev/stdin: ok'
    head -c 65537 /dev/zero >"$file"
    run -1 --separate-stderr ctl check "$file"
    assert_equal "$stderr" "left4mectl: $file: is larger than 64 KiB, the most a spec may be"
    run -1 --separate-stderr ctl check "$BATS_TEST_TMPDIR/none.yaml"
    assert_equal "$stderr" "left4mectl: $BATS_TEST_TMPDIR/none.yaml: does not exist"
    # Not even the name of a file can forge a line.
    run -1 ctl check $'a\n\e[2J.yaml'
    refute_output --partial $'\e'
    assert_output --partial 'a\x0a\x1b[2J.yaml: 1 fault'
}

# --- check: the host --------------------------------------------------------------------------

@test "check names overlays that are missing, or cannot be layers" {
    spec one 'port: 27015\noverlays: [gone, file, link, maps/of/mine]\n'
    touch "$root/overlays/file"
    mkdir -p "$root/overlays/real" "$root/overlays/maps/of/mine"
    ln -s real "$root/overlays/link"
    run -1 --separate-stderr ctl check
    assert_output 'one: 3 faults'
    assert_equal "$stderr" "left4mectl: instance one: overlay '$root/overlays/gone' does not exist
left4mectl: instance one: overlay '$root/overlays/file' is no directory
left4mectl: instance one: overlay '$root/overlays/link' is a symbolic link, or lies behind one: put the directory itself there, or a bind mount"
}

@test "check tells of a missing installation once, and counts it for each instance" {
    spec one
    spec two 'port: 27016\n'
    rm -r "$root/installation"
    run -1 --separate-stderr ctl check
    assert_output $'one: 1 fault\ntwo: 1 fault'
    assert_equal "$stderr" \
        "left4mectl: installation '$root/installation' does not exist: install the game there (see README)"
    run -1 --separate-stderr ctl --json check
    assert_valid check
    run -0 json '[f["message"] for i in j for f in i["faults"]]' <<<"$output"
    assert_output "[\"installation '$root/installation' does not exist: install the game there (see README)\", \"installation '$root/installation' does not exist: install the game there (see README)\"]"
}

@test "the installation may be a link to a directory beside it, and to nowhere else" {
    spec one
    mv "$root/installation" "$root/build-2"
    ln -s build-2 "$root/installation"
    run -0 --separate-stderr ctl check
    assert_output 'one: ok'
    run -0 --separate-stderr ctl show one
    assert_line "Installation: $root/installation -> build-2"
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json 'j["installation"]["link"], j["installation"]["usable"]' <<<"$output"
    assert_output "('build-2', True)"

    local target
    for target in "$root/build-2" ../x none; do
        ln -sfn "$target" "$root/installation"
        run -1 --separate-stderr ctl check
        [[ $stderr == "left4mectl: installation '$root/installation' is a symbolic link to '$target'"* ]]
    done
    [[ $stderr == *"is a symbolic link to 'none', which does not exist" ]]
}

@test "check misses srcds_run, which an overlay may have too" {
    rm "$root/installation/srcds_run"
    mkdir -p "$root/overlays/game"
    spec one 'port: 27015\noverlays: [game]\n'
    run -1 --separate-stderr ctl check
    assert_equal "$stderr" "left4mectl: instance one: there is no srcds_run in installation '$root/installation', nor in an overlay: install the game there (see README)"
    touch "$root/overlays/game/srcds_run"
    run -0 --separate-stderr ctl check
}

@test "check warns of an alias that has no source" {
    local layer=$root/overlays/maps/left4dead2/cfg
    mkdir -p "$layer"
    spec one 'port: 27015\noverlays: [{path: maps, alias: m}]\n'
    run -0 --separate-stderr ctl check
    assert_output 'one: ok, 1 warning'
    assert_equal "$stderr" \
        "left4mectl: instance one: '$layer/server.cfg' does not exist, so there is no server_m.cfg"
    ln -s x "$layer/server.cfg"
    run -0 --separate-stderr ctl check
    [[ $stderr == *"is reached through a symbolic link, so there is no server_m.cfg" ]]
    rm "$layer/server.cfg"
    mkfifo "$layer/server.cfg"
    run -0 --separate-stderr ctl check
    [[ $stderr == *"is no regular file, so there is no server_m.cfg" ]]
    rm "$layer/server.cfg"
    touch "$layer/server.cfg"
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" ''
}

@test "check misses the loader of 32-bit programs where the game is one" {
    spec one
    spec two 'port: 27016\n'
    printf '\177ELF\2' >"$root/installation/srcds_linux"
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" ''
    printf '\177ELF\1' >"$root/installation/srcds_linux"
    if [[ -e /lib/ld-linux.so.2 ]]; then
        run -0 --separate-stderr ctl check
        assert_equal "$stderr" ''
    else
        run -1 --separate-stderr ctl check
        assert_output $'one: 1 fault\ntwo: 1 fault'
        assert_equal "$stderr" "left4mectl: '$root/installation/srcds_linux' is a 32-bit program, and the loader of such, /lib/ld-linux.so.2, does not exist: install it (on Debian: lib32gcc-s1 and lib32stdc++6)"
    fi
}

# --- check: ports -----------------------------------------------------------------------------

@test "check warns of one port for two instances, in the generator's words" {
    spec a
    spec b
    spec c 'port: 27016\n'
    local told='left4mectl: instances a and b have the same port, 27015: only one of them can run at a time'
    run -0 --separate-stderr ctl check
    assert_output $'a: ok, 1 warning\nb: ok, 1 warning\nc: ok'
    assert_equal "$stderr" "$told"
    # Also when only one of them was asked for.
    run -0 --separate-stderr ctl check b
    assert_output 'b: ok, 1 warning'
    assert_equal "$stderr" "$told"
    run -0 --separate-stderr ctl check c
    assert_equal "$stderr" ''
    run -0 --separate-stderr ctl --json check
    assert_valid check
    run -0 json '[[f["message"] for f in i["faults"]] for i in j][0:2]' <<<"$output"
    assert_output "[['${told#left4mectl: }'], ['${told#left4mectl: }']]"
}

@test "check knows all ports that arguments name" {
    spec a 'port: 27015\narguments: [+tv_port 27020, -clientport 27030]\n'
    spec b 'port: 27020\n'
    spec c 'port: 27016\narguments: ["+ClientPort \\"27030\\""]\n'
    spec d 'port: 27017\narguments: [+tv_port 27017]\n'
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" "left4mectl: instances a ('+tv_port') and b ('port') have the same port, 27020: whichever starts second does not get it
left4mectl: instances a ('-clientport') and c ('+clientport') have the same port, 27030: whichever starts second does not get it
left4mectl: 'port' and '+tv_port' of instance d are the same port, 27017: the game has it once"
    spec e 'port: 27018\narguments: [+hostport 27015]\n'
    run -0 --separate-stderr ctl check e
    assert_equal "${stderr_lines[1]}" \
        'left4mectl: instances a and e have the same port, 27015: only one of them can run at a time'
}

@test "one port at two addresses is no clash" {
    spec a 'port: 27015\narguments: [-ip 10.0.0.1]\n'
    spec b 'port: 27015\narguments: [-ip 10.0.0.2]\n'
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" ''
    spec c
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" \
        'left4mectl: instances b and c have the same port, 27015: only one of them can run at a time'
}

@test "ports of 300 instances are compared in no time" {
    local i
    for ((i = 0; i < 300; i++)); do
        spec "i$i" 'port: %d\narguments: [+tv_port %d, +clientport %d]\n' $((10000 + i)) \
            $((20000 + i)) $((30000 + i))
    done
    local before=${EPOCHREALTIME/[.,]/}
    run -0 --separate-stderr ctl check
    assert_equal "$stderr" ''
    assert_equal "${#lines[@]}" 300
    assert [ $((${EPOCHREALTIME/[.,]/} - before)) -lt 2000000 ]
}

# --- list -------------------------------------------------------------------------------------

@test "list of a tree without systemd shows what files tell" {
    spec one
    spec bad 'port: 0\n'
    mkdir "$root/instances/empty"
    run -0 --separate-stderr ctl list
    assert_output "NAME STATE AT BOOT  PORT PLAYERS MAP SPEC    MEMORY SINCE
bad  -     -           -       - -   refused      - -
one  -     -       27015       - -   ok           - -"
    assert_equal "${#stderr_lines[@]}" 1
    run -0 --separate-stderr ctl --no-headings --quiet list
    assert_line --index 0 --partial refused
    assert_equal "${#lines[@]}" 2
    assert_equal "$stderr" ''
    run -0 --separate-stderr ctl --json list
    assert_valid list
    run -0 json '[(i["name"], i["port"], i["spec"], i["active_state"], i["at_boot"], i["map"]) for i in j]' \
        <<<"$output"
    assert_output "[('bad', None, 'refused', None, None, None), ('one', 27015, 'ok', None, None, None)]"
}

@test "list of nothing is an empty array, and no table" {
    run -0 --separate-stderr ctl --json list
    assert_output '[]'
    run -0 --separate-stderr ctl list
    assert_output ''
    rm -r "$root/instances"
    run -0 --separate-stderr ctl list
    assert_output ''
}

@test "list fits the terminal" {
    require script
    local name columns
    name=$(printf 'n%.0s' {1..40})
    spec "$name"
    for columns in 60 100 120; do
        run -0 script -qec "stty cols $columns; exec '$BUILD/left4mectl' --quiet --root '$root' list" \
            /dev/null </dev/null
        assert_equal "${#lines[@]}" 2
        printf '%s\n' "$output"
        tr -d '\r' <<<"$output" | awk -v n="$columns" 'length > n { exit 1 }'
        # A name is cut only where nothing else is left to give way.
        ((columns == 60)) || assert_line --index 1 --partial "$name "
    done
    # No terminal, no end.
    run -0 ctl --quiet list
    assert_line --index 1 --partial "$name "
}

# --- show -------------------------------------------------------------------------------------

@test "show tells what the spec says, and what is there of it" {
    mkdir -p "$root/overlays/comp/left4dead2"
    head -c 20000 /dev/zero >"$root/overlays/comp/left4dead2/pak.vpk"
    spec one 'port: 27015\ndescription: One\nautostart: true\narguments: [-tickrate 100, +map a]
config: [a, b]\noverlays: [{path: comp, alias: c}, maps/x]\n'
    run -0 --separate-stderr ctl show one
    assert_output "one
        Spec: $root/instances/one/spec.yaml (ok)
        Port: 27015
 Description: One
   Autostart: yes
   Arguments: -tickrate 100 +map a
      Config: 2 lines
    Overlays: comp (alias c)
              maps/x does not exist
Installation: $root/installation
       Upper: $root/runtime/one/upper (does not exist: it was never started, or was reset)
     Mounted: no"
    assert_equal "$stderr" ''
    run -0 --separate-stderr ctl --json --size show one
    assert_valid show
    run -0 json '[(o["path"], o["alias"], o["usable"], o["problem"], (o["size"] or 0) > 20000) for o in j["overlays"]]' \
        <<<"$output"
    assert_output "[('comp', 'c', True, None, True), ('maps/x', None, False, 'does not exist', False)]"
}

@test "show of a refused spec tells its faults and goes on" {
    spec one 'port: 0\n'
    run -0 --separate-stderr ctl show one
    assert_line "        Spec: $root/instances/one/spec.yaml (refused)"
    assert_line "     Mounted: no"
    assert_equal "${stderr_lines[0]}" \
        "$root/instances/one/spec.yaml:1:7: 'port' is out of range: it is from 1 to 65535"
    run -0 --separate-stderr ctl --json show one
    assert_valid show
}

@test "show of an instance that is nowhere fails, of one whose spec is gone does not" {
    run -1 --separate-stderr ctl show nobody
    assert_output ''
    assert_equal "$stderr" \
        "left4mectl: instance nobody does not exist: there is no '$root/instances/nobody/spec.yaml'"
    mkdir -p "$root/runtime/gone/upper"
    run -0 --separate-stderr ctl show gone
    assert_line "        Spec: $root/instances/gone/spec.yaml (missing)"
    run -0 --separate-stderr ctl --json show gone
    assert_valid show
    run -2 ctl show 'no body'
}

@test "show finds what in upper hides a layer's, and in which layer" {
    local upper=$root/runtime/one/upper game=$root/installation top=$root/overlays/top
    mkdir -p "$upper"/{cfg,own,layered,dir} "$game"/{cfg,layered,isfile,under} "$top"/{cfg,dir}
    touch "$game"/{cfg/a,cfg/b,cfg/c,dir,layered/x,under/y} "$top"/{cfg/b,dir/z}
    touch "$upper"/{cfg/a,cfg/b,cfg/new,own/x,isfile,dir/z,dir/new}
    ln -s /nowhere "$upper/cfg/c"
    ln -s /etc "$upper/under"
    spec one 'port: 27015\noverlays: [top]\n'
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json '"\n".join(sorted(" ".join([h["path"], h["kind"], h["layer"]]) for h in j["upper"]["hides"]))' \
        <<<"$output"
    assert_output 'cfg/a file installation
cfg/b file overlays/top
cfg/c symlink installation
dir/z file overlays/top
isfile file installation
under symlink installation'
    run -0 --separate-stderr ctl show one
    assert_line "       Upper: $upper: 6 files hide a layer's"
    assert_line '              cfg/b (file) hides that of overlays/top'
}

@test "show knows whiteouts, opaque directories and what the spec wrote" {
    require_root
    local upper=$root/runtime/one/upper game=$root/installation cfg=left4dead2/cfg
    mkdir -p "$upper/$cfg" "$upper/opaque" "$game/opaque" "$game/$cfg"
    touch "$game"/{removed,opaque/a,opaque/b} "$game/$cfg/server.cfg" "$upper/$cfg/server.cfg" \
        "$upper/opaque/a"
    mknod "$upper/removed" c 0 0
    mknod "$upper/never-was" c 0 0
    "$PYTHON" -c 'import os, sys; os.setxattr(sys.argv[1], "trusted.overlay.opaque", b"y")' \
        "$upper/opaque" || cannot_run 'no trusted attributes here'
    # What a layer's own whiteout hides already.
    mkdir "$root/overlays/top"
    mknod "$root/overlays/top/hidden" c 0 0
    touch "$game/hidden" "$upper/hidden"
    spec one 'port: 27015\noverlays: [top]\n'
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json '[(h["path"], h["kind"], h["staged"]) for h in j["upper"]["hides"]]' <<<"$output"
    assert_output "[('left4dead2/cfg/server.cfg', 'file', True), ('opaque', 'opaque', False), ('removed', 'whiteout', False)]"
}

@test "show is not led astray by a hostile upper" {
    local upper=$root/runtime/one/upper game=$root/installation
    local evil=$'e\e[2J\xff\n\xc2\x9bvil'
    mkdir -p "$upper/left4dead2" "$game/etc"
    touch "$game/etc/passwd" "$game/fifo" "$game/$evil" "$upper/$evil"
    ln -s /etc "$upper/etc"
    mkfifo "$upper/fifo"
    ln -s . "$upper/left4dead2/loop"
    spec one
    run -0 --separate-stderr timeout 10 "$BUILD/left4mectl" --root "$root" show one
    assert_line '              etc (symlink) hides that of installation'
    assert_line '              fifo (other) hides that of installation'
    assert_line '              e\x1b[2J\xff\x0a\xc2\x9bvil (file) hides that of installation'
    refute_output --partial passwd
    refute_output --partial $'\e'
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json 'ascii([h["path"] for h in j["upper"]["hides"]][0])' <<<"$output"
    assert_output "'e\\x1b[2J\\ufffd\\n\\x9bvil'"

    # Upper itself, or runtime, behind a link.
    rm -r "$upper"
    ln -s /etc "$upper"
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json 'j["upper"]["readable"], j["upper"]["hides"]' <<<"$output"
    assert_output '(False, [])'
}

@test "show comes to an end in an upper that is deep or full" {
    local upper=$root/runtime/one/upper game=$root/installation deep
    deep=$(printf 'd/%.0s' {1..60})
    mkdir -p "$upper/$deep" "$game/$deep" "$upper/many" "$game/many"
    touch "$upper/$deep/x" "$game/$deep/x"
    (cd "$upper/many" && seq 1200 | xargs touch)
    (cd "$game/many" && seq 1200 | xargs touch)
    spec one
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json 'len(j["upper"]["hides"]), j["upper"]["complete"]' <<<"$output"
    assert_output '(1000, False)'
    run -0 --separate-stderr ctl show one
    assert_line "       Upper: $upper: 1000 files hide a layer's, as far as could be looked at"
}

@test "show says when upper cannot be read, and goes on" {
    mkdir -p "$root/runtime/one/upper"
    chmod 0 "$root/runtime/one"
    spec one
    run -0 --separate-stderr powerless "$BUILD/left4mectl" --root "$root" show one
    assert_line "       Upper: $root/runtime/one/upper (cannot be read: permission denied: those may who are root or in group left4me)"
    assert_line '     Mounted: no'
    run -0 --separate-stderr powerless "$BUILD/left4mectl" --root "$root" --json show one
    assert_valid show
    chmod 0755 "$root/runtime/one"
}

@test "show looks through 499 overlays" {
    local i
    {
        printf 'port: 27015\noverlays:\n'
        for ((i = 0; i < 499; i++)); do
            printf -- '- o%d\n' "$i"
            mkdir "$root/overlays/o$i"
        done
    } >"$BATS_TEST_TMPDIR/spec"
    mkdir -p "$root/instances/one" "$root/runtime/one/upper"
    cp "$BATS_TEST_TMPDIR/spec" "$root/instances/one/spec.yaml"
    touch "$root/overlays/o498/x" "$root/runtime/one/upper/x"
    run -0 --separate-stderr ctl --json show one
    assert_valid show
    run -0 json 'len(j["overlays"]), all(o["usable"] for o in j["overlays"]), j["upper"]["hides"][0]["layer"]' \
        <<<"$output"
    assert_output "(499, True, 'overlays/o498')"
}
