#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-stage fills the upper layer of an instance, as an unprivileged user, from a mount namespace
# of each test's own. The sandbox that its unit gives it is seen elsewhere; here it has none, but for
# openat2(), which is not to be had in that sandbox: what is hostile is met with and without it.

# bats file_tags=root

# Much here is expanded by the shell inside; $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash

ROOT=/var/lib/left4me
# No user of the host has it; nobody has to have a name.
USER_ID=54321

setup_file() {
    require ip perl
    mountns_prepare left4me-stage tests/no-openat2 tests/swap
}

setup() {
    mountns_start
    LIB=/proc/$MOUNTNS_PID/root/var/lib
    CFG=$STATE/runtime/x/upper/left4dead2/cfg
    mkdir "$LIB/victim"
    # The user cannot look into the directory of bats.
    cp -r "$HELPERS" "$LIB/helpers"
    wrapper=()
    fresh
}

teardown() {
    mountns_stop
}

# fresh: a state root with instance x, as it is before its first start, and its environment.
fresh() {
    rm -rf "${STATE:?}"/* "${LIB:?}"/victim/*
    mkdir -p "$STATE/instances/x" "$STATE/overlays" "$STATE/runtime/x"
    chown "$USER_ID:$USER_ID" "$STATE/runtime/x"
    echo untouched >"$LIB/victim/file"
    # What is written through a link into it would be seen.
    chmod 0777 "$LIB/victim"
    chmod 0666 "$LIB/victim/file"
    spec
    export L4D2_PORT=27015 L4D2_ARGS='' L4D2_LOWERDIRS=$ROOT/installation
}

# spec [FORMAT [ARGUMENT…]]: the spec of instance x, by printf.
spec() {
    # shellcheck disable=SC2059
    printf -- "${@:-port: 27015\n}" >"$STATE/instances/x/spec.yaml"
}

# source_cfg PATH [TEXT]: overlay PATH with a server.cfg.
source_cfg() {
    mkdir -p "$STATE/overlays/$1/left4dead2/cfg"
    printf '%s' "${2:-of $1}" >"$STATE/overlays/$1/left4dead2/cfg/server.cfg"
}

# In a network of its own: the host's ports are not the test's. With lo down the kernel would take
# every address for a local one.
networked() {
    ns unshare --net sh -c 'ip link set lo up && exec "$@"' - setpriv --reuid="$USER_ID" \
        --regid="$USER_ID" --clear-groups --no-new-privs "$@"
}

# helper ARGUMENT…: left4me-stage, by the user.
helper() {
    networked timeout 10 "${wrapper[@]}" /var/lib/helpers/left4me-stage "$@" </dev/null
}

# What the unit of instance x runs.
stage() {
    helper x
}

# both_ways FUNCTION: with openat2() and, from a fresh start, without.
both_ways() {
    "$@"
    fresh
    wrapper=(/var/lib/helpers/no-openat2)
    "$@"
}

assert_file() {
    run -0 cat "$1"
    assert_output "$2"
}

assert_victim_untouched() {
    run -0 ls -A "$LIB/victim"
    assert_output file
    assert_file "$LIB/victim/file" untouched
    assert_equal "$(stat -c %a "$LIB/victim/file")" 666
}

# --- Command line -----------------------------------------------------------------------------

@test "--help and --version answer on standard output" {
    run -0 --separate-stderr helper --help
    assert_output --partial 'left4me-stage NAME'
    assert_equal "$stderr" ''
    run -0 --separate-stderr helper --version
    assert_output --regexp '^left4me-stage [0-9]+\.[0-9]+\.[0-9]+$'
    assert_equal "$stderr" ''
}

@test "wrong usage is told, with exit status 2, and nothing is staged" {
    run -2 helper
    assert_output "left4me-stage: one NAME is needed; see 'left4me-stage --help'"
    run -2 helper x y
    assert_output "left4me-stage: one NAME is needed; see 'left4me-stage --help'"
    run -2 helper --frobnicate x
    assert_output "left4me-stage: unknown option; see 'left4me-stage --help'"
    run -0 ls -A "$STATE/runtime/x"
    assert_output ''
}

@test "what is no instance's name is refused" {
    local name long
    printf -v long 'x%.0s' {1..65}
    for name in . .. ../x x/y x/ /x _x 'x y' x.y ä "$long"; do
        run -2 helper "$name"
        assert_output "left4me-stage: '$name' is no name for an instance: 1 to 64 of a-z A-Z 0-9 _ -, the first a letter or digit"
    done
    run -2 helper ''
    run -2 helper -- -x
    run -2 helper $'x\n\x1b[2J'
    assert_equal "${#lines[@]}" 1
    assert_output --partial "'x\\x0a\\x1b[2J'"
}

# --- server.cfg -------------------------------------------------------------------------------

# assert_server_cfg FORMAT: it has these bytes exactly.
assert_server_cfg() {
    # shellcheck disable=SC2059
    cmp <(printf -- "$1") "$CFG/server.cfg"
}

@test "the lines of config are joined by newlines, with none at the end" {
    spec 'port: 27015\nconfig:\n- rcon_password x\n- "tab\\there"\n- ""\n- \x27"quoted \\\\" # %%n\x27\n'
    run -0 stage
    assert_output ''
    assert_server_cfg 'rcon_password x\ntab\there\n\n"quoted \\\\" # %%n'
}

@test "a block of text is taken as it is" {
    spec 'port: 27015\nconfig: |\n  a # no comment\n    b\n\n  c\n'
    stage
    assert_server_cfg 'a # no comment\n  b\n\nc\n'
    spec 'port: 27015\nconfig: |-\n  a\n'
    stage
    assert_server_cfg 'a'
    spec 'port: 27015\nconfig: |+\n  a\n\n\n'
    stage
    assert_server_cfg 'a\n\n\n'
    spec 'port: 27015\nconfig: >\n  a\n  b\n'
    stage
    assert_server_cfg 'a b\n'
}

@test "without config server.cfg is empty, and is there: it hides a layer's" {
    local text
    for text in '' 'config: []\n' 'config: [""]\n'; do
        spec "port: 27015\\n$text"
        run -0 stage
        assert_server_cfg ''
    done
}

@test "server.cfg is the user's and not for others, whatever the umask is" {
    local mask
    for mask in 0077 0000; do
        (umask "$mask" && stage)
        assert_equal "$(stat -c '%a %u %g %h' "$CFG/server.cfg")" "640 $USER_ID $USER_ID 1"
        rm -r "$STATE/runtime/x/upper"
    done
}

@test "what the mount needs is made" {
    stage
    run -0 bash -c 'cd "$1" && find . -mindepth 1 -printf "%P %y %m %U\n" | sort' - "$STATE/runtime/x"
    assert_output "merged d 755 $USER_ID
upper d 755 $USER_ID
upper/left4dead2 d 755 $USER_ID
upper/left4dead2/cfg d 755 $USER_ID
upper/left4dead2/cfg/server.cfg f 640 $USER_ID
work d 755 $USER_ID"
}

@test "staging again replaces what was staged, and what the game wrote stays" {
    spec 'port: 27015\nconfig: [a]\n'
    stage
    mkdir "$CFG/sourcemod"
    touch "$CFG/banned_user.cfg" "$CFG/myserver.cfg" "$CFG/server.cfg.bak" "$CFG/Server.cfg" \
        "$CFG/sourcemod/server.cfg" "$CFG/.server.cfg" "$STATE/runtime/x/upper/server.cfg"
    spec 'port: 27015\nconfig: [b]\n'
    run -0 stage
    assert_output ''
    assert_server_cfg b
    run -0 bash -c 'cd "$1" && find . -type f | LC_ALL=C sort' - "$STATE/runtime/x/upper"
    assert_output './left4dead2/cfg/.server.cfg
./left4dead2/cfg/Server.cfg
./left4dead2/cfg/banned_user.cfg
./left4dead2/cfg/myserver.cfg
./left4dead2/cfg/server.cfg
./left4dead2/cfg/server.cfg.bak
./left4dead2/cfg/sourcemod/server.cfg
./server.cfg'
}

@test "server*.cfg of a former start is removed, whatever it is, but for directories" {
    stage
    touch "$CFG/server_former.cfg" "$CFG/server2.cfg" "$CFG/serverx.cfg"
    ln -s /var/lib/victim/file "$CFG/server_link.cfg"
    ln -s nosuch "$CFG/server_dangling.cfg"
    ln -s /var/lib/victim "$CFG/server_tree.cfg"
    mkfifo "$CFG/server_fifo.cfg"
    mknod "$CFG/server_whiteout.cfg" c 0 0
    mkdir "$CFG/server_x.cfg"
    touch "$CFG/server_x.cfg/kept"
    run -0 stage
    assert_output ''
    run -0 bash -c 'cd "$1" && find . -mindepth 1 -printf "%P\n" | sort' - "$CFG"
    assert_output $'server.cfg\nserver_x.cfg\nserver_x.cfg/kept'
    assert_victim_untouched
}

@test "a directory in the way of server.cfg, or of an alias, is named" {
    mkdir -p "$CFG/server.cfg"
    chown -R "$USER_ID" "$STATE/runtime/x"
    run -1 stage
    assert_output "left4me-stage: '$ROOT/runtime/x/upper/left4dead2/cfg/server.cfg' is in the way: remove it"
    rmdir "$CFG/server.cfg"

    mkdir "$CFG/server_comp.cfg"
    source_cfg a
    spec 'port: 27015\noverlays: [{path: a, alias: comp}]\n'
    run -1 stage
    assert_output "left4me-stage: '$ROOT/runtime/x/upper/left4dead2/cfg/server_comp.cfg' is in the way: remove it"
}

# --- Aliases ----------------------------------------------------------------------------------

# aliased PATH…: a spec with these overlays, whose aliases are those paths; it is what is compiled.
aliased() {
    local path
    spec 'port: 27015\noverlays:\n'
    L4D2_LOWERDIRS=
    for path; do
        printf -- '- path: %s\n  alias: %s\n' "$path" "${path//\//_}" >>"$STATE/instances/x/spec.yaml"
        L4D2_LOWERDIRS+=$ROOT/overlays/$path:
    done
    L4D2_LOWERDIRS+=$ROOT/installation
}

@test "an alias brings a layer's server.cfg in, with its mode and its time" {
    aliased a b/c
    source_cfg a "$(head -c 100000 /dev/urandom | base64)"
    source_cfg b/c $'exec x\n\xff\n'
    chmod 0444 "$STATE/overlays/a/left4dead2/cfg/server.cfg"
    chmod 04755 "$STATE/overlays/b/c/left4dead2/cfg/server.cfg"
    touch -d '2020-02-03 04:05:06.123456789Z' "$STATE/overlays/a/left4dead2/cfg/server.cfg"
    touch -d '2001-02-03 04:05:06.987654321Z' "$STATE/overlays/b/c/left4dead2/cfg/server.cfg"
    # Also over those that are there: one of them may not be written to.
    run -0 stage
    run -0 stage
    assert_output ''
    cmp "$STATE/overlays/a/left4dead2/cfg/server.cfg" "$CFG/server_a.cfg"
    cmp "$STATE/overlays/b/c/left4dead2/cfg/server.cfg" "$CFG/server_b_c.cfg"
    TZ=UTC run -0 stat -c '%a %y' "$CFG"/server_{a,b_c}.cfg
    # Of the mode, what anyone may set: no set-user-ID bit leaves a layer.
    assert_output $'444 2020-02-03 04:05:06.123456789 +0000\n755 2001-02-03 04:05:06.987654321 +0000'
}

@test "an empty source makes an empty file" {
    aliased a
    mkdir -p "$STATE/overlays/a/left4dead2/cfg"
    : >"$STATE/overlays/a/left4dead2/cfg/server.cfg"
    run -0 stage
    assert_output ''
    assert_equal "$(stat -c %s "$CFG/server_a.cfg")" 0
}

@test "an alias that is no more leaves nothing behind" {
    aliased a b
    source_cfg a
    source_cfg b
    stage
    aliased b
    run -0 stage
    run -0 ls "$CFG"
    assert_output $'server.cfg\nserver_b.cfg'
}

@test "an overlay without alias brings no file in" {
    spec 'port: 27015\noverlays: [a, {path: b}]\n'
    L4D2_LOWERDIRS=$ROOT/overlays/a:$ROOT/overlays/b:$ROOT/installation
    source_cfg a
    source_cfg b
    run -0 stage
    assert_output ''
    run -0 ls "$CFG"
    assert_output server.cfg
}

missing_source() {
    aliased nosuch empty file here
    mkdir "$STATE/overlays/empty"
    : >"$STATE/overlays/file"
    source_cfg here
    run -0 stage
    assert_output "left4me-stage: '$ROOT/overlays/nosuch/left4dead2/cfg/server.cfg' does not exist, so there is no server_nosuch.cfg
left4me-stage: '$ROOT/overlays/empty/left4dead2/cfg/server.cfg' does not exist, so there is no server_empty.cfg
left4me-stage: '$ROOT/overlays/file/left4dead2/cfg/server.cfg' does not exist, so there is no server_file.cfg"
    assert_file "$CFG/server_here.cfg" 'of here'
}

@test "a source that does not exist is passed over, with a notice" {
    both_ways missing_source
}

irregular_source() {
    local kind kinds=(directory fifo socket device whiteout)
    aliased "${kinds[@]}" here
    source_cfg here
    for kind in "${kinds[@]}"; do
        source_cfg "$kind"
        rm "$STATE/overlays/$kind/left4dead2/cfg/server.cfg"
    done
    mkdir "$STATE/overlays/directory/left4dead2/cfg/server.cfg"
    mkfifo "$STATE/overlays/fifo/left4dead2/cfg/server.cfg"
    perl -MIO::Socket::UNIX -e 'chdir $ARGV[0] and IO::Socket::UNIX->new(Local => "server.cfg", Listen => 1) or die' \
        "$STATE/overlays/socket/left4dead2/cfg"
    # /dev/zero: whoever reads it gets no end.
    mknod -m 0666 "$STATE/overlays/device/left4dead2/cfg/server.cfg" c 1 5
    mknod -m 0666 "$STATE/overlays/whiteout/left4dead2/cfg/server.cfg" c 0 0
    run -0 stage
    assert_equal "${#lines[@]}" "${#kinds[@]}"
    for kind in "${kinds[@]}"; do
        assert_line "left4me-stage: '$ROOT/overlays/$kind/left4dead2/cfg/server.cfg' is no regular file, ignoring: there is no server_$kind.cfg"
    done
    run -0 ls "$CFG"
    assert_output $'server.cfg\nserver_here.cfg'
}

@test "a source that is no regular file is passed over, with a warning and without waiting" {
    both_ways irregular_source
}

linked_source() {
    local path
    aliased layer game cfg file way/layer
    for path in layer game cfg file way/layer; do
        source_cfg "$path"
    done
    mkdir -p "$LIB/victim/left4dead2/cfg" "$LIB/victim/layer/left4dead2/cfg"
    echo secret | tee "$LIB/victim/server.cfg" "$LIB/victim/cfg" "$LIB/victim/left4dead2/cfg/server.cfg" \
        >"$LIB/victim/layer/left4dead2/cfg/server.cfg" 2>/dev/null || :
    rm -r "$STATE/overlays/"{layer,game/left4dead2,cfg/left4dead2/cfg,file/left4dead2/cfg/server.cfg,way}
    ln -s ../../victim "$STATE/overlays/layer"
    ln -s ../../../victim/left4dead2 "$STATE/overlays/game/left4dead2"
    ln -s /var/lib/victim "$STATE/overlays/cfg/left4dead2/cfg"
    ln -s /var/lib/victim/server.cfg "$STATE/overlays/file/left4dead2/cfg/server.cfg"
    ln -s /var/lib/victim "$STATE/overlays/way"
    # Each of them would be followed by whoever follows links.
    for path in layer game cfg file way/layer; do
        run -0 ns cat "$ROOT/overlays/$path/left4dead2/cfg/server.cfg"
    done
    run -0 stage
    for path in layer game cfg file way/layer; do
        assert_line "left4me-stage: '$ROOT/overlays/$path/left4dead2/cfg/server.cfg' is reached through a symbolic link, ignoring: there is no server_${path//\//_}.cfg"
    done
    run -0 ls "$CFG"
    assert_output server.cfg
}

@test "a whiteout in a layer on a nodev file system is passed over too" {
    aliased layer
    mkdir -p "$STATE/overlays/layer"
    ns mount -t tmpfs -o nodev t "$ROOT/overlays/layer"
    mkdir -p "$STATE/overlays/layer/left4dead2/cfg"
    mknod -m 0666 "$STATE/overlays/layer/left4dead2/cfg/server.cfg" c 0 0
    run -0 stage
    assert_output "left4me-stage: '$ROOT/overlays/layer/left4dead2/cfg/server.cfg' is no regular file, ignoring: there is no server_layer.cfg"
}

@test "a spec that is full of faults does not fill the journal" {
    {
        printf 'port: 27015\nconfig:\n'
        for ((i = 0; i < 300; i++)); do
            printf ' - [a]\n'
        done
    } >"$STATE/instances/x/spec.yaml"
    run -78 stage
    assert_equal "${#lines[@]}" 201
    assert_line --index 200 --partial "/spec.yaml: and 100 more; 'left4me-generator --dry-run' shows all"
}

@test "no source is read through a symlink, wherever on the way it is" {
    both_ways linked_source
}

linked_overlays() {
    aliased a
    source_cfg a
    mv "$STATE/overlays" "$LIB/victim/overlays"
    ln -s ../victim/overlays "$STATE/overlays"
    run -78 stage
    assert_output --partial "left4me-stage: cannot open '$ROOT/overlays': "
    run -0 ls "$CFG"
    assert_output server.cfg
}

@test "overlays that are a symlink are refused" {
    both_ways linked_overlays
}

@test "a source that cannot be read stops the start, and is named with its alias" {
    aliased a
    source_cfg a
    chmod 0600 "$STATE/overlays/a/left4dead2/cfg/server.cfg"
    run -78 stage
    assert_output "left4me-stage: cannot read '$ROOT/overlays/a/left4dead2/cfg/server.cfg', which alias 'a' names: Permission denied"
}

@test "a source that is too large to be a cfg file is passed over, with a warning" {
    aliased a b
    source_cfg a
    source_cfg b
    truncate -s 1M "$STATE/overlays/a/left4dead2/cfg/server.cfg"
    truncate -s $((1024 * 1024 + 1)) "$STATE/overlays/b/left4dead2/cfg/server.cfg"
    run -0 stage
    assert_output "left4me-stage: '$ROOT/overlays/b/left4dead2/cfg/server.cfg' is larger than 1 MiB, which no cfg file is, ignoring: there is no server_b.cfg"
    run -0 ls "$CFG"
    assert_output $'server.cfg\nserver_a.cfg'
}

# --- What the game may have planted -----------------------------------------------------------

# plant WHAT TARGET: a symlink in runtime/x, whose way is made.
plant() {
    rm -rf "${STATE:?}"/runtime/x/*
    mkdir -p "$STATE/runtime/x/${1%/*}"
    rm -rf "$STATE/runtime/x/$1"
    ln -s "$2" "$STATE/runtime/x/$1"
    chown -hR "$USER_ID" "$STATE/runtime/x"
}

planted_directories() {
    local what target
    for what in work merged upper upper/left4dead2 upper/left4dead2/cfg; do
        # To a directory, to a file, to nothing.
        for target in /var/lib/victim /var/lib/victim/file /var/lib/victim/nosuch; do
            plant "$what" "$target"
            run -1 stage
            assert_output "left4me-stage: '$ROOT/runtime/x/$what' is no directory: remove it, or 'systemctl clean --what=state left4me-server@x'"
            assert_victim_untouched
        done
    done
}

@test "no directory is made, or written to, through a planted symlink" {
    both_ways planted_directories
}

planted_runtime() {
    rmdir "$STATE/runtime/x"
    ln -s ../../victim "$STATE/runtime/x"
    run -1 stage
    assert_output --partial "left4me-stage: cannot use '$ROOT/runtime/x', which systemd makes: "
    assert_victim_untouched
    rm "$STATE/runtime/x"
    run -1 stage
    assert_output --partial "left4me-stage: cannot use '$ROOT/runtime/x', which systemd makes: No such"
}

@test "an instance's own directory that is a symlink, or missing, is refused" {
    both_ways planted_runtime
}

planted_files() {
    local target
    aliased a
    source_cfg a
    stage
    for target in /var/lib/victim/file /var/lib/victim/new /var/lib/victim; do
        ln -sfn "$target" "$CFG/server.cfg"
        ln -sfn "$target" "$CFG/server_a.cfg"
        run -0 stage
        assert_output ''
        run -0 stat -c %F "$CFG/server.cfg" "$CFG/server_a.cfg"
        assert_output $'regular empty file\nregular file'
        assert_victim_untouched
    done
    # A hard link to what is somebody else's is taken off, not written to.
    rm "$CFG/server.cfg"
    cp "$LIB/victim/file" "$STATE/runtime/x/other"
    chmod 0666 "$STATE/runtime/x/other"
    ln "$STATE/runtime/x/other" "$CFG/server.cfg"
    run -0 stage
    assert_file "$STATE/runtime/x/other" untouched
    assert_equal "$(stat -c %a "$STATE/runtime/x/other")" 666
}

@test "no file is written through a planted link" {
    both_ways planted_files
}

irregular_directories() {
    local what make
    for what in work merged upper upper/left4dead2 upper/left4dead2/cfg; do
        for make in touch mkfifo; do
            plant "$what" x
            rm "$STATE/runtime/x/$what"
            "$make" "$STATE/runtime/x/$what"
            run -1 stage
            assert_output --partial "left4me-stage: '$ROOT/runtime/x/$what' is no directory: remove it"
        done
    done
}

@test "a file or a FIFO in place of a directory is refused, without waiting" {
    both_ways irregular_directories
}

whiteouts() {
    local what
    for what in upper/left4dead2 upper/left4dead2/cfg upper/left4dead2/cfg/server.cfg; do
        plant "$what" x
        rm "$STATE/runtime/x/$what"
        mknod "$STATE/runtime/x/$what" c 0 0
        run -0 stage
        assert_output ''
        run -0 stat -c %F "$CFG/server.cfg"
        assert_output 'regular empty file'
    done
}

@test "a whiteout, which is left where the game removed something, gives way" {
    both_ways whiteouts
}

swapped_directories() {
    stage
    ln -s /var/lib/victim "$STATE/runtime/x/link"
    mkdir -p "$LIB/victim/left4dead2/cfg"
    chmod -R 0777 "$LIB/victim/left4dead2"
    ns_background /var/lib/helpers/swap "$ROOT/runtime/x" upper link
    local swapper=$NS_BACKGROUND
    run -0 networked bash -c '
        for ((i = 0; i < 200; i++)); do
            if "$@" x; then
                staged=1
            else
                refused=1
            fi 2>/dev/null
        done
        echo "$staged $refused"' - "${wrapper[@]}" /var/lib/helpers/left4me-stage
    ns kill "$swapper"
    # Had it never met either, the swapping would not have been tested.
    assert_output '1 1'
    run -0 find "$LIB/victim" -type f
    assert_output "$LIB/victim/file"
}

@test "directories that are swapped for symlinks all the while lead nowhere" {
    both_ways swapped_directories
}

# --- The spec ---------------------------------------------------------------------------------

@test "a spec that is refused is told with all its faults, and nothing is staged" {
    spec 'prot: 27015\nautostart: maybe\nconfig: hunter2\n'
    run -78 --separate-stderr stage
    assert_equal "$output" ''
    assert_equal "$stderr" "$ROOT/instances/x/spec.yaml:1:1: unknown key 'prot', did you mean 'port'?
  prot
  ^
$ROOT/instances/x/spec.yaml:2:12: 'autostart' is 'true' or 'false'
  autostart: maybe
             ^
$ROOT/instances/x/spec.yaml:3:9: 'config' takes a list, or a block of text ('config: |')"
    run -0 ls -A "$STATE/runtime/x"
    assert_output ''
}

@test "of a spec with many faults all are told" {
    spec 'port: 27015\narguments:\n%s\n' "$(yes -- "- it's" | head -n 100)"
    run -78 stage
    assert_equal "$(grep -c 'a quote that is never closed' <<<"$output")" 100
}

@test "a spec that was refused keeps what a former start staged" {
    spec 'port: 27015\nconfig: [a]\n'
    stage
    spec 'port: 27015\nconfig: a\n'
    run -78 stage
    assert_server_cfg a
}

@test "warnings about a spec do not stop it" {
    L4D2_ARGS='+rcon_password x'
    spec 'port: 27015\narguments: [+rcon_password x]\n'
    run -0 stage
    assert_output "$ROOT/instances/x/spec.yaml:2:13: warning: arguments are world-readable: put this secret into 'config'"
}

irregular_spec() {
    local spec=$STATE/instances/x/spec.yaml
    local link='is reached through a symbolic link, and none is followed: place the file itself there'
    printf 'port: 27015\nconfig: [secret]\n' >"$LIB/victim/spec.yaml"
    rm "$spec"
    ln -s /var/lib/victim/spec.yaml "$spec"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: $link"
    rm "$spec"
    mkfifo "$spec"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: is no regular file: place a file there"
    rm "$spec"
    mkdir "$spec"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: is a directory: place a file there"
    rmdir "$spec"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: does not exist"
    ln "$LIB/victim/spec.yaml" "$spec"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: has a second hard link: place a copy of its own there"
    rm -r "$STATE/instances/x"
    ln -s /var/lib/victim "$STATE/instances/x"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: $link"
    rm -r "$STATE/instances"
    mkdir "$LIB/victim/x"
    mv "$LIB/victim/spec.yaml" "$LIB/victim/x"
    ln -s ../victim "$STATE/instances"
    run -78 stage
    assert_output "left4me-stage: $ROOT/instances/x/spec.yaml: $link"
    run -0 ls -A "$STATE/runtime/x"
    assert_output ''
}

@test "what stands in the spec's place and is no file of its own is refused, without waiting" {
    both_ways irregular_spec
}

@test "a spec that the user cannot read is told with how to mend it" {
    local message="left4me-stage: $ROOT/instances/x/spec.yaml: user left4me cannot read it: 'chgrp left4me' and 'chmod 0640' the file, 'chgrp left4me' and 'chmod 2770' its directory"
    chmod 0600 "$STATE/instances/x/spec.yaml"
    run -78 stage
    assert_output "$message"
    chmod 0644 "$STATE/instances/x/spec.yaml"
    chmod 0700 "$STATE/instances/x"
    run -78 stage
    assert_output "$message"
    # What it says is what helps.
    chgrp "$USER_ID" "$STATE/instances/x" "$STATE/instances/x/spec.yaml"
    chmod 0640 "$STATE/instances/x/spec.yaml"
    chmod 2770 "$STATE/instances/x"
    run -0 stage
    assert_output ''
}

# --- The compiled instance --------------------------------------------------------------------

@test "an instance that is not compiled is told so" {
    unset L4D2_PORT L4D2_ARGS L4D2_LOWERDIRS
    run -78 stage
    assert_output "left4me-stage: instance x is not compiled: run 'systemctl daemon-reload'"
}

# changed WHAT OLD NEW: the warning.
changed() {
    printf '%s' "left4me-stage: the spec's $1 changed since the last daemon-reload, which takes effect after the next one: in force \"$2\", in the spec \"$3\""
}

@test "a changed port is told with the old and the new one, and the start goes on" {
    spec 'port: 27016\nconfig: [a]\n'
    run -0 stage
    assert_output "$(changed port 27015 27016)"
    assert_server_cfg a
}

@test "changed arguments are told with the old and the new ones" {
    spec 'port: 27015\narguments: ["+map a", "\\"b c\\"", "100%%"]\n'
    L4D2_ARGS='+map b' run -0 stage
    assert_output "$(changed arguments '+map b' '+map a "b c" 100%')"
    # What did not change is not told: a value with all that was escaped in the drop-in.
    L4D2_ARGS='+map a "b c" 100%' run -0 stage
    assert_output ''
}

@test "changed overlays are told with the old and the new ones, and so is another order" {
    spec 'port: 27015\noverlays: [a, b]\n'
    local new=$ROOT/overlays/a:$ROOT/overlays/b:$ROOT/installation
    run -0 stage
    assert_output "$(changed overlays "$ROOT/installation" "$new")"
    L4D2_LOWERDIRS=$ROOT/overlays/b:$ROOT/overlays/a:$ROOT/installation run -0 stage
    assert_output "$(changed overlays "$ROOT/overlays/b:$ROOT/overlays/a:$ROOT/installation" "$new")"
    L4D2_LOWERDIRS=$new run -0 stage
    assert_output ''
}

@test "of long values that changed, the message shows where they differ" {
    local many
    printf -v many -- '- a%03d\n' {1..400}
    spec 'port: 27015\noverlays:\n%s- new\n' "$many"
    printf -v L4D2_LOWERDIRS "$ROOT/overlays/a%03d:" {1..400}
    L4D2_LOWERDIRS+=$ROOT/overlays/old:$ROOT/installation run -0 stage
    assert_equal "${#lines[@]}" 1
    assert_output --regexp 'in force "\.\.\.[^"]*/overlays/old:[^"]*", in the spec "\.\.\.[^"]*/overlays/new:[^"]*"$'
}

@test "several changes are told all" {
    L4D2_PORT=27017 L4D2_ARGS=x L4D2_LOWERDIRS=y run -0 stage
    assert_equal "${#lines[@]}" 3
    assert_line "$(changed port 27017 27015)"
    assert_line "$(changed arguments x '')"
    assert_line "$(changed overlays y "$ROOT/installation")"
}

@test "config and description change without a word: they take effect as they are" {
    spec 'port: 27015\ndescription: x\nautostart: true\nconfig: [a]\n'
    run -0 stage
    assert_output ''
}

# --- The port ---------------------------------------------------------------------------------

# beside PROTOCOL ADDRESS PORT [REUSE]: stages while another process has that socket.
beside() {
    ns unshare --net bash -c '
        ip link set lo up
        exec {socket}< <(exec perl -MSocket -e "
            \$| = 1;
            my (\$protocol, \$address, \$port, \$reuse) = @ARGV;
            socket(my \$s, PF_INET, \$protocol eq q(udp) ? SOCK_DGRAM : SOCK_STREAM, 0) or die;
            setsockopt(\$s, SOL_SOCKET, SO_REUSEADDR, 1) if \$reuse;
            bind(\$s, sockaddr_in(\$port, inet_aton(\$address))) or die;
            listen(\$s, 1) if \$protocol eq q(tcp);
            print qq(bound\n);
            sleep 60" "$@")
        perl=$!
        read -r _ <&$socket || exit 9
        setpriv --reuid=$0 --regid=$0 --clear-groups /var/lib/helpers/left4me-stage x
        status=$?
        kill $perl
        exit $status' "$USER_ID" "$@"
}

taken() {
    printf '%s' "left4me-stage: port $2 is taken: another process has bound it at $1 (UDP); 'ss -lunp' tells which"
}

@test "a port that is taken is told, also by one that would share it" {
    run -78 beside udp 0.0.0.0 27015
    assert_output "$(taken 0.0.0.0 27015)"
    run -78 beside udp 0.0.0.0 27015 reuse
    assert_output "$(taken 0.0.0.0 27015)"
    # At one address is enough, for the game takes all.
    run -78 beside udp 127.0.0.1 27015
    assert_output "$(taken 0.0.0.0 27015)"
}

@test "the same port of TCP, and another one of UDP, are not in the way" {
    run -0 beside tcp 0.0.0.0 27015
    run -0 beside udp 0.0.0.0 27016
    assert_output ''
}

@test "the port is looked at where -ip has the server" {
    spec 'port: 27015\narguments: [-ip 127.0.0.2]\n'
    export L4D2_ARGS='-ip 127.0.0.2'
    run -0 beside udp 127.0.0.3 27015
    assert_output ''
    run -78 beside udp 127.0.0.2 27015
    assert_output "$(taken 127.0.0.2 27015)"
    run -78 beside udp 0.0.0.0 27015
    assert_output "$(taken 127.0.0.2 27015)"
    spec 'port: 27015\narguments: [-IP "127.0.0.2"]\n'
    L4D2_ARGS='-IP "127.0.0.2"' run -78 beside udp 127.0.0.2 27015
    assert_output "$(taken 127.0.0.2 27015)"
}

@test "the port in force is what is looked at, not the spec's" {
    L4D2_PORT=27016 run -78 beside udp 0.0.0.0 27016
    assert_line "$(taken 0.0.0.0 27016)"
    L4D2_PORT=27016 run -0 beside udp 0.0.0.0 27015
    assert_output "$(changed port 27016 27015)"
}

@test "an address that is none of this host is told as that" {
    spec 'port: 27015\narguments: [-ip 203.0.113.1]\n'
    L4D2_ARGS='-ip 203.0.113.1' run -78 stage
    assert_output 'left4me-stage: address 203.0.113.1, which -ip in the arguments names, is none of this host'
}

@test "a port that the user may not bind is told as that" {
    spec 'port: 80\n'
    L4D2_PORT=80 run -78 stage
    assert_output 'left4me-stage: port 80 may not be bound by user left4me: take one from 1024 on'
}

@test "a name where -ip takes an address is left to the game" {
    spec 'port: 27015\narguments: [-ip localhost]\n'
    L4D2_ARGS='-ip localhost' run -0 stage
    assert_output 'left4me-stage: -ip in the arguments names no IPv4 address: the port was not checked'
}

@test "a port in the environment that is none is told" {
    local port
    for port in '' 0 65536 x 27015x; do
        L4D2_PORT=$port run -78 stage
        assert_line "left4me-stage: L4D2_PORT=$port in the unit's environment is no port"
    done
}

# --- Where messages go ------------------------------------------------------------------------

@test "secrets in config are in no message" {
    local text
    for text in 'port: 27015\nconfig: [MARKER]\n' 'port: 27016\nconfig: [MARKER]\n' \
        'port: 27015\nconfig: MARKER\n' 'port: 27015\nconfig: ["MARKER\n' \
        'port: 27015 config: MARKER\n' 'port: 27015\nconfg: [MARKER]\n'; do
        spec "$text"
        run stage
        refute_output --partial MARKER
    done
    # Nor in an argument vector or an environment: there is no other process.
    spec 'port: 27015\nconfig: [MARKER]\n'
    run -0 stage
    assert_server_cfg MARKER
}

@test "messages have their level where standard error is the journal's" {
    spec 'port: 27016\n'
    ns bash -c 'echo >/var/lib/journal && chmod 0666 /var/lib/journal'
    ns unshare --net setpriv --reuid="$USER_ID" --regid="$USER_ID" --clear-groups bash -c '
        exec 2>/var/lib/journal
        JOURNAL_STREAM=$(stat -Lc %d:%i /dev/fd/2) exec /var/lib/helpers/left4me-stage x'
    run -0 cat "$LIB/journal"
    assert_output "$(changed port 27015 27016 | sed 's/^left4me-stage: /<4>/')"
}
