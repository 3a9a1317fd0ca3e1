#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-generator compiles specs. What it prints in a dry run needs no root; what it writes, and
# where its messages go, is seen in a mount namespace, for it reads /var/lib/left4me then.

# Much here is expanded by the shell inside; $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash

ROOT=/var/lib/left4me
NO_NAME='no name for an instance (1 to 64 of a-z A-Z 0-9 _ -, the first a letter or digit), ignoring'

setup_file() {
    require_built left4me-generator
    ((EUID != 0)) || mountns_prepare left4me-generator
}

setup() {
    # The specs of a dry run. No other state root may leak in.
    root=$BATS_TEST_TMPDIR/root
    mkdir -p "$root/instances"
    unset LEFT4ME_ROOT SYSTEMD_IN_INITRD SYSTEMD_SCOPE JOURNAL_STREAM
}

teardown() {
    mountns_stop
}

dry_run() {
    "$BUILD/left4me-generator" --dry-run --root "$root" "$@"
}

# spec NAME [FORMAT [ARGUMENT…]]: the spec of an instance, by printf.
spec() {
    local name=$1
    shift
    mkdir -p "$root/instances/$name"
    # shellcheck disable=SC2059
    printf -- "${@:-port: 27015\n}" >"$root/instances/$name/spec.yaml"
}

# A variable of configure.
configured() {
    sed -n "s/^$1 = //p" "$BUILD/Makefile"
}

# --- Golden trees -----------------------------------------------------------------------------

# golden CASE STATUS: what a dry run over tests/golden/CASE prints is what is there.
golden() {
    local case=$SOURCE/tests/golden/$1 units stream
    units=$(configured systemdsystemunitdir)
    run -"$2" --separate-stderr "$BUILD/left4me-generator" --dry-run --root "$case"
    for stream in expected messages; do
        sed -e "s|@ROOT@|$case|g" -e "s|@UNITS@|$units|g" "$case/$stream" \
            >"$BATS_TEST_TMPDIR/$stream"
    done
    printf '%s' "${output:+$output$'\n'}" | diff -u "$BATS_TEST_TMPDIR/expected" -
    printf '%s' "${stderr:+$stderr$'\n'}" | diff -u "$BATS_TEST_TMPDIR/messages" -
}

@test "specs that are accepted are compiled, with a warning where one is due" {
    golden accepted 0
}

@test "specs that are refused cost their own instances, and every fault is told" {
    golden refused 1
}

@test "what has no instance's name is named and passed over" {
    golden odd-names 0
}

@test "instances with the same port at the same address are named" {
    golden ports 0
}

@test "no instances is no news, and asks for another look" {
    golden no-instances 0
}

@test "a state root without instances is no news either" {
    golden no-root 0
}

@test "the golden trees are whole" {
    # An archive or a checkout may lose what is empty or hidden, and converts line ends at worst.
    local tree=$SOURCE/tests/golden
    [[ -f $tree/refused/instances/empty/spec.yaml && ! -s $tree/refused/instances/empty/spec.yaml ]]
    [[ -f $tree/odd-names/instances/.hidden/spec.yaml && -d $tree/no-instances/instances ]]
    run -0 grep -c $'\r$' "$tree/accepted/instances/crlf-and-bom/spec.yaml"
    assert_output 3
}

@test "no byte in a file's name can forge a line or move a cursor" {
    local i name=
    for i in {1..255}; do
        # 47 is the slash. File systems take 255 bytes.
        ((i == 47)) || printf -v name '%s\\x%02x' "$name" "$i"
    done
    mkdir "$root/instances/$(printf '%b' "${name:0:508}")" "$root/instances/$(printf '%b' "${name:508}")" \
        "$root/instances/a b" "$root/instances/ä" \
        "$root/instances/"$'x\n<3>left4me-generator[1]: forged'
    run -0 --separate-stderr dry_run
    assert_equal "${#stderr_lines[@]}" 5
    for ((i = 0; i < 5; i++)); do
        [[ ${stderr_lines[i]} == "left4me-generator: '$root/instances/"*"': $NO_NAME" ]]
    done
    run -1 grep --text -P '[\x00-\x09\x0b-\x1f\x7f]' <<<"$stderr"
    run -0 grep -Fc "/instances/a b': " <<<"$stderr"
    run -0 grep -Fc "/instances/ä': " <<<"$stderr"
    run -0 grep -F '/instances/\x01\x02\x03' <<<"$stderr"
    assert_output --partial '\x09\x0a\x0b'
    run -0 grep -F 'x\x0a<3>left4me-generator[1]: forged' <<<"$stderr"
}

# --- Command line -----------------------------------------------------------------------------

@test "--help and --version answer on standard output" {
    run -0 --separate-stderr "$BUILD/left4me-generator" --help
    assert_output --partial 'left4me-generator --dry-run [--root DIR]'
    assert_equal "$stderr" ''
    run -0 --separate-stderr "$BUILD/left4me-generator" --version
    assert_output --regexp '^left4me-generator [0-9]+\.[0-9]+\.[0-9]+$'
    assert_equal "$stderr" ''
}

@test "wrong usage is told, with exit status 2, and nothing is written" {
    local dir=$BATS_TEST_TMPDIR/out arguments
    mkdir "$dir"
    for arguments in '' "$dir $dir" "$dir $dir $dir $dir" "--root $root $dir" '--dry-run x' \
        '--frobnicate' "--frobnicate $dir" '--dry-run --root' "--root $root"; do
        # shellcheck disable=SC2086
        run -2 --separate-stderr "$BUILD/left4me-generator" $arguments
        assert_equal "$output" ''
        [[ $stderr == "left4me-generator: "*"; see 'left4me-generator --help'" ]]
    done
    run -0 ls -A "$dir"
    assert_output ''
}

@test "LEFT4ME_ROOT is the state root of a dry run, and --root goes before it" {
    spec x
    LEFT4ME_ROOT=$root run -0 "$BUILD/left4me-generator" --dry-run
    assert_line "SourcePath=$root/instances/x/spec.yaml"
    LEFT4ME_ROOT=/nosuch run -0 dry_run
    assert_line "SourcePath=$root/instances/x/spec.yaml"
}

@test "a relative state root becomes an absolute one" {
    spec x
    cd "$root"
    run -0 "$BUILD/left4me-generator" --dry-run --root .
    assert_line "SourcePath=$root/instances/x/spec.yaml"
    assert_line "Environment=\"L4D2_LOWERDIRS=$root/installation\""
}

@test "a state root that does not exist is told" {
    run -1 "$BUILD/left4me-generator" --dry-run --root "$root/nosuch"
    assert_output "left4me-generator: cannot use '$root/nosuch' as the state root: No such file or\
 directory"
}

@test "output that gets nowhere is a failure" {
    spec x
    run -1 bash -c '"$0" --dry-run --root "$1" >/dev/full' "$BUILD/left4me-generator" "$root"
    assert_output 'left4me-generator: cannot write to standard output: No space left on device'
}

# --- A spec's file ----------------------------------------------------------------------------

# assert_refused NAME MESSAGE: that instance fails, for that reason, and no other does.
assert_refused() {
    spec ok
    run -1 --separate-stderr timeout 5 "$BUILD/left4me-generator" --dry-run --root "$root"
    assert_equal "$stderr" "left4me-generator: $root/instances/$1/spec.yaml: $2"
    assert_line 'Environment=L4D2_PORT=27015'
    assert_line '# left4me-server@ok.service.d/50-left4me.conf'
    assert_equal "$(grep -A5 "^# left4me-server@$1\." <<<"$output" | grep '^[^#]')" \
        "$(printf '%s\n' '[Unit]' "SourcePath=$root/instances/$1/spec.yaml" '[Service]' Restart=no)"
}

LINK='is reached through a symbolic link, and none is followed: place the file itself there'

@test "a symlink in the spec's place is refused" {
    spec x
    mv "$root/instances/x/spec.yaml" "$root/elsewhere"
    ln -s ../../elsewhere "$root/instances/x/spec.yaml"
    assert_refused x "$LINK"
}

@test "a symlink to nothing in the spec's place is refused" {
    mkdir "$root/instances/x"
    ln -s nosuch "$root/instances/x/spec.yaml"
    assert_refused x "$LINK"
}

@test "a symlink in place of the instance's directory is refused" {
    spec y
    mv "$root/instances/y" "$root/elsewhere"
    ln -s ../elsewhere "$root/instances/x"
    assert_refused x "$LINK"
}

@test "a spec with a second hard link is refused" {
    spec x
    ln "$root/instances/x/spec.yaml" "$root/elsewhere"
    assert_refused x 'has a second hard link: place a copy of its own there'
}

@test "a directory in the spec's place is refused" {
    mkdir -p "$root/instances/x/spec.yaml"
    assert_refused x 'is a directory: place a file there'
}

@test "a FIFO in the spec's place is refused, without waiting for a writer" {
    mkdir "$root/instances/x"
    mkfifo "$root/instances/x/spec.yaml"
    assert_refused x 'is no regular file: place a file there'
}

@test "an empty spec is refused, at its first line" {
    spec x
    : >"$root/instances/x/spec.yaml"
    run -1 --separate-stderr dry_run
    assert_equal "$stderr" "$root/instances/x/spec.yaml:1:1: the spec is empty: it needs at least\
 'port: 27015'"
}

@test "a spec of 64 KiB is taken, and one of a byte more is not" {
    spec x 'port: 27015\n#%65523s' x
    run -0 --separate-stderr dry_run
    assert_equal "$(stat -c %s "$root/instances/x/spec.yaml")" 65536
    assert_equal "$stderr" ''
    printf y >>"$root/instances/x/spec.yaml"
    assert_refused x 'is larger than 64 KiB, the most a spec may be'
}

@test "a file in place of an instance's directory is passed over, with a warning" {
    : >"$root/instances/x"
    run -0 --separate-stderr dry_run
    assert_equal "$stderr" "left4me-generator: '$root/instances/x' is no directory, ignoring"
}

@test "a state root whose instances are no directory is told, and is no instances" {
    rmdir "$root/instances"
    ln -s /etc "$root/instances"
    run -0 --separate-stderr dry_run
    assert_equal "$stderr" "left4me-generator: cannot read '$root/instances': it is a symbolic link, and none is followed: put the directory itself there, or a bind mount"
    assert_equal "${#lines[@]}" 1
    assert_output --partial left4me-load.service
}

# --- Limits -----------------------------------------------------------------------------------

# overlays N LENGTH: a spec x with N overlays whose paths have that length.
overlays() {
    {
        printf 'port: 27015\noverlays:\n'
        seq -f "- %0$2.0f" "$1"
    } >"$root/instances/x/spec.yaml"
}

@test "499 overlays are taken, in their order, and 500 are not" {
    spec x
    overlays 499 3
    run -0 dry_run
    local expected
    expected=$(seq -s : -f "$root/overlays/%03.0f" 499):$root/installation
    assert_line "Environment=\"L4D2_LOWERDIRS=$expected\""
    overlays 500 3
    run -1 --separate-stderr dry_run
    assert_equal "$stderr" "$root/instances/x/spec.yaml:502:3: too many: 'overlays' takes no more\
 than 499 items"
}

@test "4096 items of a list are taken, and 4097 are refused, once" {
    local key
    for key in arguments config; do
        spec x 'port: 27015\n%s:\n%s\n' "$key" "$(yes -- '- a' | head -n 4096)"
        run -0 dry_run
        if [[ $key == arguments ]]; then
            assert_equal "$(grep -o 'L4D2_ARGS=a\( a\)*"$' <<<"$output" | wc -c)" 8203
        fi
        printf '%s\n' '- a' '- a' >>"$root/instances/x/spec.yaml"
        run -1 --separate-stderr dry_run
        assert_equal "$stderr" "$root/instances/x/spec.yaml:4099:3: too many: '$key' takes no more\
 than 4096 items"
    done
}

@test "arguments that fill a spec reach the drop-in whole" {
    # L4D2_ARGS cannot come to 64 KiB: a spec ends before. Each of these is escaped, and so doubled.
    local long
    long=$(printf '%%%.0s' {1..65495})
    spec x 'port: 27015\narguments:\n- "%s"' "$long"
    run -0 --separate-stderr dry_run
    assert_equal "$stderr" ''
    assert_line "Environment=\"L4D2_ARGS=$long$long\""
}

@test "layers of 64 KiB in all are taken, and those of a byte more are not" {
    spec x
    # Each is written as ROOT/overlays/PATH: and the installation closes the list.
    local each=$((${#root} + 11)) last=$((${#root} + 13)) n=400 length
    length=$(((65536 - last) / n - each))
    overlays $((n - 1)) "$length"
    local rest=$((65536 - last - (n - 1) * (each + length) - each))
    # One component has no more than 255 bytes.
    printf -- '- a/%0*d/%0*d\n' "$(((rest - 3) / 2))" 0 "$((rest - 3 - (rest - 3) / 2))" 0 \
        >>"$root/instances/x/spec.yaml"
    run -0 --separate-stderr dry_run
    assert_equal "$stderr" ''
    assert_equal "$(sed -n 's/^Environment="L4D2_LOWERDIRS=\(.*\)"$/\1/p' <<<"$output" | wc -c)" 65537
    sed -i '$s/$/x/' "$root/instances/x/spec.yaml"
    run -1 --separate-stderr dry_run
    assert_equal "$stderr" "$root/instances/x/spec.yaml:3:1: the paths of all overlays together are\
 longer than 64 KiB"
}

@test "no spec keeps the generator busy, however deep or long it is" {
    # libyaml needs 7 s for the first of them. The limit counts CPU time: other tests may run too.
    spec flow 'port: 27015\nfoo: %s' "$(printf '[%.0s' {1..65000})"
    spec sequences 'port: 27015\nfoo:\n %s' "$(printf -- '- %.0s' {1..32000})"
    spec mappings 'port: 27015\nfoo:\n %s' "$(printf '{a: %.0s' {1..16000})"
    spec keys 'port: 27015\nfoo:\n %s' "$(printf '? %.0s' {1..32000})"
    spec quoted '%s' "$(printf '"\\0": %.0s' {1..9000})"
    spec line 'port: 27015\nconfig: [%s]' "$(printf 'abcdefghijklmn,%.0s' {1..4096})"
    spec bytes '%b' "$(printf '\\xff%.0s' {1..32000})"
    run -1 --separate-stderr bash -c 'ulimit -t 2 && exec "$0" --dry-run --root "$1"' \
        "$BUILD/left4me-generator" "$root"
    assert_equal "$(grep -c '^# left4me-server@' <<<"$output")" 7
}

# --- What may not get out ---------------------------------------------------------------------

@test "no text of a spec becomes a key of the drop-in, whatever it is" {
    local i=0 text
    for text in 'a\nExecStart=/bin/sh' 'a\\\nExecStart=/bin/sh' 'a\r\nUser=root' '" ExecStart=x "' \
        '\\' '\\\\' '\\"' 'a\\' '"' "'" '%' '%%' '%n' '$$' '${L4D2_PORT}' '[Service]' '#' ';' \
        '\u2028User=root' '\u0085User=root' '\x00' '\x1b[2J' '\ufeff' '\ufffe' '=' '' ' ' '\t'; do
        spec "d$i" 'port: 27015\ndescription: "%s"\n' "${text//\"/\\\"}"
        spec "a$i" 'port: 27015\narguments: ["%s"]\n' "${text//\"/\\\"}"
        spec "c$i" 'port: 27015\nconfig: ["%s"]\n' "${text//\"/\\\"}"
        spec "o$i" 'port: 27015\noverlays: ["%s"]\n' "${text//\"/\\\"}"
        i=$((i + 1))
    done
    run -1 --separate-stderr dry_run
    # Had none been accepted, or none refused, this would test little.
    assert_line 'Restart=no'
    assert_line --regexp '^Environment="L4D2_ARGS=.+"$'
    # An Environment= value ends with the quote that opened it and nowhere before.
    run -1 grep -Ev '^$|^# left4me-server@[a-z0-9]+\.service\.d/50-left4me\.conf$|^# Generated by|^\[(Unit|Service)\]$|^Description=[^\]+$|^SourcePath=[^\]+$|^Environment=L4D2_PORT=[0-9]+$|^Environment="L4D2_(ARGS|LOWERDIRS)=([^"\%]|\\["\]|%%)*"$|^Restart=no$' \
        <<<"$output"
    assert_output ''
}

@test "secrets in config are in no drop-in and in no message, however a spec is broken" {
    local -a texts=(
        'port: 27015\nconfig: [MARKER]\n'
        'port: 27015\nconfig:\n  - rcon_password MARKER\n'
        'port: 27015\nconfig: |\n  rcon_password MARKER\n'
        # A misspelt or doubled key, a wrong type.
        'port: 27015\nconfg:\n  - MARKER\n'
        'port: 27015\nconfg: MARKER\n'
        'port: 27015\nconfg:\n  port: MARKER\n'
        'port: 27015\nconfg:\n  - path: MARKER\n    alias: /MARKER\n'
        'port: 27015\nconfg: {port: MARKER}\n'
        'port: 27015\nConfig: |\n  MARKER\n'
        'port: 27015\nconfig: MARKER\n'
        'port: 27015\nconfig: {rcon_password: MARKER}\n'
        'port: 27015\nconfig:\n  rcon_password: MARKER\n'
        'port: 27015\nconfig:\n  - rcon_password: MARKER\n'
        'port: 27015\nconfig:\n  - [MARKER]\n'
        'port: 27015\nconfig: [a]\nconfig: [MARKER]\n'
        'port: 27015\nconfig: [a]\nconfig: MARKER\n'
        'rcon_password: MARKER\n'
        '"rcon_password MARKER": x\n'
        '? MARKER x\n: y\n'
        'rcon_password MARKER\n'
        '- MARKER\n'
        'MARKER\n'
        # A comment, an anchor, a tag, an alias.
        'port: 99999 # MARKER\n'
        '# MARKER\nport: 99999\n'
        'port: 27015\nconfig:\n  - MARKER # MARKER\n'
        'port: 27015\nconfig:\n  - rcon_password MARKER #1\n'
        'port: 27015\nconfig: &MARKER [a]\n'
        'port: 27015\nconfig: *MARKER\n'
        'port: 27015\nconfig: !MARKER [a]\n'
        'port: &MARKER 99999\n'
        'port: !MARKER 99999\n'
        'port: !!int &MARKER 99999\n'
        # Line ends that are none to YAML, or were replaced: two lines look like one.
        'port: 27015\rconfig:\r  - MARKER\r'
        'port: 27015\nautostart: true\rconfig:\r  - MARKER\r'
        'port: 27015\xc2\x85config:\xc2\x85 - MARKER\n'
        'port: 27015\xe2\x80\xa8config: MARKER\n'
        # A line of config that lost its indentation, before what shows that it is no key.
        'port: 27015\nconfig: |\n  a\n"MARKER" x:\n  - b\n'
        # Flow collections.
        '{port: 99999, config: [MARKER]}\n'
        '{\nport: 99999\n, config: [MARKER]}\n'
        '{config: [MARKER], prot: 1}\n'
        '{MARKER: 1}\n'
        '{port: MARKER}\n'
        'port: [MARKER]\n'
        'port: {MARKER: 1}\n'
        'overlays: [{path: /MARKER}, /MARKER, {MARKER: x}, MARKER/../x]\n'
        'arguments: [MARKER, "it is MARKER\\"]\n'
        # Arguments and descriptions are public, but not for messages.
        "port: x\narguments:\n  - it's MARKER\n"
        'port: 27015\ndescription: MARKER\\\n'
        # Syntax errors.
        'port: 27015\nconfig:\n  - "MARKER\n'
        "port: 27015\nconfig:\n  - 'MARKER\n"
        'port: 27015\nconfig: [MARKER\n'
        'port: 27015\nconfig:\n  - "\\q MARKER"\n'
        'port: 27015\nconfig:\n - a\n  MARKER: b\n'
        'port: 27015\nconfig:\n - a\nMARKER\n'
        'port: 27015\n\tMARKER\n'
        'port: 27015\nMARKER\n'
        'port: 27015\nx: MARKER: b\n'
        'port: 27015 config: MARKER\n'
        'port: 27015 rcon_password: MARKER\n'
        'port: "27015" MARKER\n'
        "port: '27015' rcon_password MARKER\n"
        'port: 27015: MARKER\n'
        'port: - MARKER\n'
        'port: ? MARKER\n'
        'port: | MARKER\n'
        'port: >- MARKER\n'
        'port: @MARKER\n'
        'port: %%MARKER\n'
        'port: `MARKER\n'
        'port: [27015], MARKER\n'
        'port: 27015\nautostart: "true" config: MARKER\n'
        'port: "27015\nconfig: MARKER\n'
        'port: "27015\n  MARKER\n'
        'port: 27015\n  MARKER\n'
        'port: 27015\n  config: MARKER\n'
        'config:\n  - MARKER\nport: : :\n'
        'config: MARKER\nport: "x\n'
        'overlays:\n  - path: a\n    config: MARKER\n   alias: x\n'
        'overlays:\n  - path: "a" MARKER\n'
        'port: 27015\n--- MARKER\n'
        '%%MARKER\n---\nport: 1\n'
        '%%YAML MARKER\n---\nport: 1\n'
        '%%TAG ! MARKER\n---\nport: !x 1\n'
        # What may be nowhere.
        'port: 27015\nconfig: ["MARKER\\0"]\n'
        'port: 27015\nconfig: ["MARKER\\n"]\n'
        'port: 27015\nconfig: [MARKER\x1b]\n'
        'port: 27015\nconfig: [MARKER\xff]\n'
        'port: 27015\xff # MARKER\n'
        '\xff\xfeMARKER\n'
    )
    local i
    for i in "${!texts[@]}"; do
        spec "x$i" "${texts[i]}"
        # Nothing of the test itself may be why there is nothing to see.
        grep -q MARKER "$root/instances/x$i/spec.yaml"
    done
    run -1 --separate-stderr dry_run
    assert_equal "$(grep -c '^# left4me-server@' <<<"$output")" "${#texts[@]}"
    run grep -n MARKER <<<"$output$stderr"
    assert_output ''
}

@test "the line of a fault in one of four values is shown, with a caret" {
    spec x 'port: MARKER\n'
    run -1 --separate-stderr dry_run
    assert_equal "${stderr_lines[1]}" '  port: MARKER'
    assert_equal "${stderr_lines[2]}" '        ^'
}

# --- What is written --------------------------------------------------------------------------

# state_namespace: for what needs root: specs go to the state root proper from here on, and the
# kernel log is a file.
state_namespace() {
    require_root
    mountns_start
    root=$STATE
    LIB=/proc/$MOUNTNS_PID/root/var/lib
    OUT=$LIB/out
    mkdir -p "$root/instances" "$OUT"/{normal,early,late}
    ns sh -c ': >/var/lib/kmsg && mount --bind /var/lib/kmsg /dev/kmsg'
}

# generate [DIRECTORY…]: as systemd calls it, three directories unless others are named.
generate() {
    [[ $# -gt 0 ]] || set -- /var/lib/out/{normal,early,late}
    ns "$HELPERS/left4me-generator" "$@" </dev/null
}

# The records of the kernel log, one a line.
kmsg() {
    sed 's/<[0-9]*>left4me-generator\[[0-9]*\]: /\n&/g' "$LIB/kmsg" | sed 1d
}

# tree DIRECTORY: all that is in it, its modes and where its links lead.
tree() {
    (cd "$1" && find . -mindepth 1 -printf '%P %y %m %l\n' | LC_ALL=C sort)
}

# A tree of each kind of thing that is written.
varied_specs() {
    local name
    for name in accepted refused ports; do
        cp -r "$SOURCE/tests/golden/$name/instances" "$root/"
    done
    chmod -R u+w "$root/instances"
}

# bats test_tags=root
@test "what a dry run prints is what is written, with its modes, whatever the umask is" {
    state_namespace
    local units mask name expected
    units=$(configured systemdsystemunitdir)
    varied_specs
    run ns "$HELPERS/left4me-generator" --dry-run
    assert_equal "$status" 1
    # Each block of the dry run, as tree() has it, and its text as a file.
    awk -v dir="$BATS_TEST_TMPDIR/expected/" '
        /^# left4me-.* -> / { print $2, "l 777", $4 >(dir "../list"); next }
        /^# left4me-/ { file = $2; sub("/.*", "", file); print $2, "f 644 " >(dir "../list")
            print file, "d 755 " >(dir "../list"); file = dir file; next }
        file { print >file }' <(mkdir -p "$BATS_TEST_TMPDIR/expected" && ns \
        "$HELPERS/left4me-generator" --dry-run 2>/dev/null)
    printf 'left4me-servers.target.wants d 755 \n' >>"$BATS_TEST_TMPDIR/list"
    LC_ALL=C sort -o "$BATS_TEST_TMPDIR/list" "$BATS_TEST_TMPDIR/list"

    for mask in 0777 0000; do
        (umask "$mask" && generate /var/lib/out/normal)
        tree "$OUT/normal" | diff -u "$BATS_TEST_TMPDIR/list" -
        for name in "$BATS_TEST_TMPDIR"/expected/*; do
            # A blank line stands between two files.
            expected=$(<"$name")
            assert_equal "$(<"$OUT/normal/${name##*/}/50-left4me.conf")" "$expected"
        done
        rm -r "${OUT:?}"/normal/*
    done
}

# bats test_tags=root
@test "of three directories only the first is written to, and nothing else is" {
    state_namespace
    varied_specs
    local before
    before=$(cd "$LIB" && find . -path ./out/normal -prune -o -path ./kmsg -o \
        -printf '%p %y %m %s %T@ %C@\n' | sort)
    generate
    run -0 find "$OUT/early" "$OUT/late" -mindepth 1
    assert_output ''
    run -0 ls "$OUT/normal"
    assert_line left4me-server@minimal.service.d
    diff -u <(echo "$before") <(cd "$LIB" && find . -path ./out/normal -prune -o -path ./kmsg \
        -o -printf '%p %y %m %s %T@ %C@\n' | sort)
}

# bats test_tags=root
@test "one directory stands for all three" {
    state_namespace
    varied_specs
    generate
    generate /var/lib/out/late
    diff -r --no-dereference "$OUT/normal" "$OUT/late"
    run -0 ls "$OUT/late"
    assert_line left4me-server@minimal.service.d
}

# bats test_tags=root
@test "two runs over the same specs give the same bytes, also one over the other" {
    state_namespace
    varied_specs
    generate /var/lib/out/normal
    generate /var/lib/out/early
    generate /var/lib/out/early
    diff -r --no-dereference "$OUT/normal" "$OUT/early"
    diff -u <(tree "$OUT/normal") <(tree "$OUT/early")
}

# bats test_tags=root
@test "two generators at once leave whole files and nothing else" {
    # -E: the sanitizers' look for leaks does not work under ptrace.
    require strace
    state_namespace
    spec x 'port: 27015\narguments:\n- "%s"\n' "$(printf '%%%.0s' {1..65000})"
    generate /var/lib/out/early
    # One is kept for a second where it would write, the other one overtakes it.
    run -0 ns bash -c '
        file=/var/lib/out/normal/left4me-server@x.service.d/50-left4me.conf
        strace -E ASAN_OPTIONS=detect_leaks=0 -qq -o /var/lib/trace -e trace=write -e inject=write:delay_enter=1000000:when=1 \
            "$0" /var/lib/out/normal &
        until [[ $(ls -A "${file%/*}" 2>/dev/null) ]]; do
            :
        done
        [[ ! -e $file ]] || echo "a file is there before it is whole"
        "$0" /var/lib/out/normal || echo "the other one failed"
        cmp "$file" "${file/normal/early}"
        # The first one is not done yet, or nothing was tested.
        [[ $(ls -A "${file%/*}" | wc -l) == 2 ]] || echo "the first one did not wait"
        wait $!' "$HELPERS/left4me-generator"
    assert_output ''
    diff -r "$OUT/early" "$OUT/normal"
    diff -u <(tree "$OUT/early") <(tree "$OUT/normal")
    assert_equal "$(kmsg)" ''
}

# bats test_tags=root
@test "autostart makes the target want the instance" {
    state_namespace
    spec x 'port: 27015\nautostart: true\n'
    spec y 'port: 27016\nautostart: false\n'
    generate
    run -0 tree "$OUT/normal/left4me-servers.target.wants"
    assert_output "left4me-server@x.service l 777 $(configured systemdsystemunitdir)/left4me-server@.service"
}

@test "the reload is wanted exactly when there is no spec" {
    local wants
    wants="# left4me-servers.target.wants/left4me-load.service -> $(configured systemdsystemunitdir)/left4me-load.service"
    mkdir "$root/instances/x" "$root/instances/lost+found"
    : >"$root/instances/README"
    run -0 --separate-stderr dry_run
    assert_output "$wants"
    spec .hidden
    spec 'a b'
    run -0 --separate-stderr dry_run
    assert_output "$wants"
    # A spec that is refused is one too: whoever mounts it later would find it no better.
    spec x 'prot: 27015\n'
    run -1 --separate-stderr dry_run
    refute_output --partial left4me-load.service
    spec x
    run -0 --separate-stderr dry_run
    refute_output --partial left4me-load.service
}

# bats test_tags=root
@test "the reload is wanted by a link, when nobody has made the state root yet" {
    state_namespace
    ns rmdir -p --ignore-fail-on-non-empty "$ROOT/instances" "$ROOT/overlays" "$ROOT/runtime"
    run -1 ns test -e "$ROOT"
    generate
    run -0 tree "$OUT/normal"
    assert_output "left4me-servers.target.wants d 755 
left4me-servers.target.wants/left4me-load.service l 777 $(configured systemdsystemunitdir)/left4me-load.service"
    run -0 kmsg
    assert_output ''
}

# bats test_tags=root
@test "in the initrd and for a user's manager nothing is written, and nothing said" {
    state_namespace
    varied_specs
    SYSTEMD_IN_INITRD=1 run -0 generate
    assert_output ''
    SYSTEMD_SCOPE=user run -0 generate
    assert_output ''
    run -0 find "$OUT" -mindepth 2
    assert_output ''
    assert_equal "$(kmsg)" ''
    SYSTEMD_IN_INITRD=0 SYSTEMD_SCOPE=system run -0 generate
    run -0 ls "$OUT/normal"
    assert_line left4me-servers.target.wants
}

# bats test_tags=root
@test "LEFT4ME_ROOT is nothing to systemd's generator" {
    state_namespace
    spec x
    mkdir -p "$LIB/other/instances/y"
    cp "$root/instances/x/spec.yaml" "$LIB/other/instances/y/"
    LEFT4ME_ROOT=/var/lib/other generate
    run -0 ls "$OUT/normal"
    assert_output left4me-server@x.service.d
}

# --- Where it cannot write --------------------------------------------------------------------

# bats test_tags=root
@test "a directory that cannot be written is told file by file, with exit status 1" {
    state_namespace
    spec x 'port: 27015\nautostart: true\n'
    spec y 'prot: 1\n'
    ns sh -c 'mount -t tmpfs t /var/lib/out/normal && mount -o remount,ro /var/lib/out/normal'
    run -1 generate
    run -0 kmsg
    assert_line --partial "cannot write 'left4me-server@x.service.d/50-left4me.conf': Read-only file system"
    assert_line --partial "cannot link 'left4me-servers.target.wants/left4me-server@x.service': Read-only file system"
    assert_line --partial "cannot write 'left4me-server@y.service.d/50-left4me.conf': Read-only file system"
}

# bats test_tags=root
@test "a directory that is full keeps whole files only" {
    state_namespace
    spec a
    spec b 'port: 27016\narguments:\n- "%s"\n' "$(printf 'b%.0s' {1..20000})"
    spec c 'port: 27017\n'
    ns mount -t tmpfs -o size=16k t /var/lib/out/normal
    run -1 generate
    run -0 kmsg
    assert_equal "${#lines[@]}" 1
    assert_output --partial "cannot write 'left4me-server@b.service.d/50-left4me.conf': No space left on device"
    run -0 find "$OUT/normal" -type f -printf '%P\n'
    assert_equal "$(LC_ALL=C sort <<<"$output")" \
        $'left4me-server@a.service.d/50-left4me.conf\nleft4me-server@c.service.d/50-left4me.conf'
}

# bats test_tags=root
@test "a directory that does not exist is told, with exit status 1" {
    state_namespace
    spec x
    run -1 generate /var/lib/out/nosuch /var/lib/out/early /var/lib/out/late
    assert_equal "$(kmsg | sed 's/.*\]: //')" "cannot open '/var/lib/out/nosuch': No such file or directory"
}

# bats test_tags=root
@test "a spec that is refused is no failure of the generator" {
    state_namespace
    spec x 'prot: 27015\n'
    run -0 generate
    run -0 tail -n +2 "$OUT/normal/left4me-server@x.service.d/50-left4me.conf"
    assert_output "[Unit]
SourcePath=$ROOT/instances/x/spec.yaml
[Service]
Restart=no"
}

# --- The kernel log ---------------------------------------------------------------------------

# bats test_tags=root
@test "messages go to the kernel log with level, name and PID, and nowhere else" {
    state_namespace
    spec x 'port: 27015\nautostart: maybe\narguments: [-port 1]\n'
    mkdir "$root/instances/"$'_\n\x1b[2J\xff'
    run -0 ns sh -c 'echo $$; exec "$0" /var/lib/out/normal' "$HELPERS/left4me-generator"
    local pid=$output
    # Levels are of facility daemon: 3 << 3, and 3 for an error, 4 for a warning.
    run -0 kmsg
    assert_output "<28>left4me-generator[$pid]: '$ROOT/instances/_\\x0a\\x1b[2J\\xff': $NO_NAME
<27>left4me-generator[$pid]: $ROOT/instances/x/spec.yaml:2:12: 'autostart' is 'true' or 'false'
<28>left4me-generator[$pid]: $ROOT/instances/x/spec.yaml:3:13: warning: -port, +hostport and -game are set by the unit: use 'port', and leave them out here"
}

# bats test_tags=root
@test "a record is one write of 1024 bytes at most" {
    # -E: the sanitizers' look for leaks does not work under ptrace.
    require strace
    state_namespace
    # 255 bytes of name, each of them escaped to four.
    mkdir "$root/instances/$(printf '\001%.0s' {1..255})"
    spec x 'prot: 1\n'
    run -0 --separate-stderr ns strace -E ASAN_OPTIONS=detect_leaks=0 -qq -e trace=write -s 2000 -o /var/lib/trace \
        "$HELPERS/left4me-generator" /var/lib/out/normal
    run -0 grep -c 'left4me-generator\[' "$LIB/trace"
    assert_output 2
    run -0 sed -n 's/^write([0-9]*, "<2[78]>left4me-generator\[[0-9]*\]: .*", \([0-9]*\)) *= \([0-9]*\)$/\1 \2/p' \
        "$LIB/trace"
    assert_equal "${#lines[@]}" 2
    # It was cut, but not without need, and what was written was taken whole.
    local size=${lines[0]% *}
    assert_equal "${lines[0]}" "$size $size"
    ((size <= 1024 && size > 900))
    run -0 kmsg
    assert_line --index 0 --regexp '\\x01\.\.\.$'
}

# bats test_tags=root
@test "a spec with many faults does not fill the kernel log" {
    state_namespace
    spec x 'port: 27015\narguments:\n%s\n' "$(yes -- "- it's" | head -n 25)"
    generate
    run -0 kmsg
    assert_equal "${#lines[@]}" 21
    assert_line --index 19 --partial "$ROOT/instances/x/spec.yaml:22:3: a quote that is never closed"
    assert_line --index 20 --partial \
        "$ROOT/instances/x/spec.yaml: and 5 more; 'left4me-generator --dry-run' shows all"
    # There, all of them are.
    run -1 ns "$HELPERS/left4me-generator" --dry-run
    assert_equal "$(grep -c 'a quote that is never closed' <<<"$output")" 25
}

# bats test_tags=root
@test "without a kernel log messages go to standard error" {
    state_namespace
    spec x 'prot: 1\n'
    ns mount -t tmpfs t /dev
    run -0 --separate-stderr ns "$HELPERS/left4me-generator" /var/lib/out/normal
    assert_equal "$output" ''
    assert_equal "$stderr" "$ROOT/instances/x/spec.yaml:1:1: unknown key 'prot', did you mean 'port'?"
    assert_equal "$(kmsg)" ''
}

# bats test_tags=root
@test "secrets are in nothing that is written, and in no record" {
    state_namespace
    spec a 'port: 27015\nconfig:\n- rcon_password MARKER\n'
    spec b 'port: 27016\nconfig: MARKER\n'
    spec c 'port: 27017\nconfig:\n- "MARKER\n'
    spec d 'port: 27018 config: MARKER\n'
    spec e 'port: MARKER\n'
    spec f 'port: 27019\nconfg: |\n  MARKER\n'
    run -0 generate
    assert_output ''
    run -1 grep -r MARKER "$OUT" "$LIB/kmsg"
    run -0 kmsg
    assert_equal "${#lines[@]}" 6
}

# bats test_tags=root
@test "a device in the spec's place, and a spec that cannot be read, are refused" {
    state_namespace
    spec unreadable
    spec y
    mkdir "$root/instances/device"
    mknod "$root/instances/device/spec.yaml" c 1 3
    chmod 0600 "$root/instances/unreadable/spec.yaml"
    cp "$HELPERS/left4me-generator" "$LIB/generator"
    run -1 --separate-stderr ns setpriv --reuid=12345 --regid=12345 --clear-groups \
        /var/lib/generator --dry-run
    assert_equal "$stderr" "left4me-generator: $ROOT/instances/device/spec.yaml: is no regular file: place a file there
left4me-generator: $ROOT/instances/unreadable/spec.yaml: cannot be read: permission denied"
    assert_equal "$(grep -c '^Restart=no$' <<<"$output")" 2
    assert_line '# left4me-server@y.service.d/50-left4me.conf'
}
