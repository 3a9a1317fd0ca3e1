#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-overlay mounts and unmounts an instance's tree, in a mount namespace of each test's own.

# bats file_tags=root

# Much here is expanded by the shell inside; $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash

ROOT=/var/lib/left4me
MERGED=$ROOT/runtime/x/merged

setup_file() {
    mountns_prepare left4me-overlay tests/overlay-fallbacks tests/swap
}

setup() {
    mountns_start
    layer installation
    layer overlays/a
    layer overlays/b
    instance x
    export L4D2_LOWERDIRS=$ROOT/overlays/a:$ROOT/overlays/b:$ROOT/installation
}

teardown() {
    mountns_stop
}

# Each layer has a file of its own, and others that all have.
layer() {
    mkdir -p "$STATE/$1"
    : >"$STATE/$1/srcds_run"
    echo "$1" >"$STATE/$1/which"
    echo "$1" >"$STATE/$1/of-${1##*/}"
}

instance() {
    mkdir -p "$STATE/runtime/$1"/{upper,work,merged}
}

overlay() {
    ns "$HELPERS/left4me-overlay" "$@"
}

assert_mounts() {
    run mounts_on "${2:-$MERGED}"
    assert_equal "${#lines[@]}" "$1"
}

# fallback API LAYER…: mounts the instance's tree by one of the kernel's interfaces.
fallback() {
    local -a api
    read -ra api <<<"$1"
    shift
    ns sh -euc 'cd "$1"; shift; exec "$@"' - "$ROOT" \
        "$HELPERS/overlay-fallbacks" "${api[@]}" runtime/x/upper runtime/x/work runtime/x/merged "$@"
}

# --- Command line -----------------------------------------------------------------------------

@test "--help and --version answer on standard output" {
    run -0 --separate-stderr overlay --help
    assert_output --partial 'left4me-overlay mount NAME'
    assert_equal "$stderr" ''
    run -0 --separate-stderr overlay --version
    assert_output --regexp '^left4me-overlay [0-9]+\.[0-9]+\.[0-9]+$'
    assert_equal "$stderr" ''
}

@test "wrong usage is told, with exit status 2" {
    run -2 overlay
    run -2 overlay mount
    run -2 overlay mount x y
    run -2 overlay remount x
    assert_output "left4me-overlay: 'remount' is none of mount, umount; see 'left4me-overlay --help'"
    run -2 overlay --frobnicate mount x
    local name
    for name in '' . .. ../x x/y -- 'x y' _x "$(printf 'x%.0s' {1..65})"; do
        run -2 overlay mount "$name"
        run -2 overlay umount "$name"
    done
    assert_mounts 0
}

# --- Mounting ---------------------------------------------------------------------------------

@test "the first layer of the list is the topmost" {
    run -0 overlay mount x
    assert_output ''
    run -0 cat "$STATE"/runtime/x/merged/{which,of-a,of-b,of-installation}
    assert_output $'overlays/a\noverlays/a\noverlays/b\ninstallation'
}

@test "the installation alone is a tree too" {
    L4D2_LOWERDIRS=$ROOT/installation run -0 overlay mount x
    run -0 cat "$STATE/runtime/x/merged/which"
    assert_output installation
}

@test "upper receives what is written, and the layers do not" {
    overlay mount x
    echo written >"$STATE/runtime/x/merged/which"
    rm "$STATE/runtime/x/merged/of-b"
    run -0 cat "$STATE/runtime/x/upper/which" "$STATE/overlays/a/which" "$STATE/overlays/b/of-b"
    assert_output $'written\noverlays/a\noverlays/b'
}

@test "the mount is nosuid and nodev, and says whose it is" {
    overlay mount x
    run -0 ns findmnt --noheadings --output FSTYPE,SOURCE "$MERGED"
    assert_output --regexp '^overlay +left4me-x$'
    run -0 ns findmnt --noheadings --output VFS-OPTIONS "$MERGED"
    assert_output --regexp '^rw,nosuid,nodev(,|$)'
}

@test "the mount is made and unmade in PID 1's mount namespace, wherever the helper runs" {
    run -0 ns unshare --mount --propagation private "$HELPERS/left4me-overlay" mount x
    assert_mounts 1
    run -0 ns unshare --mount --propagation private "$HELPERS/left4me-overlay" umount x
    assert_mounts 0
}

@test "what a sandbox has in place of the state root is not what is mounted" {
    run -0 ns unshare --mount --propagation private sh -c \
        "mount -t tmpfs t $ROOT && exec $HELPERS/left4me-overlay mount x"
    run -0 cat "$STATE/runtime/x/merged/of-installation"
    assert_output installation
}

@test "an installation that is a symlink to a sibling is taken, as it is at the time" {
    mv "$STATE/installation" "$STATE/release-1"
    layer release-2
    ln -s release-1 "$STATE/installation"
    overlay mount x
    ln -s release-2 "$STATE/installation.new"
    mv -T "$STATE/installation.new" "$STATE/installation"
    run -0 ls "$STATE/runtime/x/merged"
    assert_line of-installation
    refute_line of-release-2

    overlay umount x
    overlay mount x
    run -0 ls "$STATE/runtime/x/merged"
    assert_line of-release-2
}

@test "a state root that is reached through root's own symlinks is taken" {
    ns sh -euc 'cd /var/lib; mv left4me elsewhere; ln -s elsewhere left4me'
    run -0 overlay mount x
    assert_mounts 1 /var/lib/elsewhere/runtime/x/merged
    run -0 overlay umount x
    assert_mounts 0 /var/lib/elsewhere/runtime/x/merged
}

@test "a layer's name may hold what is special to mount options" {
    layer overlays/w+1@2-3_4.5/sub
    L4D2_LOWERDIRS=$ROOT/overlays/w+1@2-3_4.5/sub:$ROOT/installation run -0 overlay mount x
    run -0 cat "$STATE/runtime/x/merged/which"
    assert_output overlays/w+1@2-3_4.5/sub
}

# many N: N overlays with a file each; sets L4D2_LOWERDIRS.
many() {
    local i list=
    for ((i = 1; i <= $1; i++)); do
        mkdir "$STATE/overlays/l$i"
        : >"$STATE/overlays/l$i/file$i"
        list+=$ROOT/overlays/l$i:
    done
    L4D2_LOWERDIRS=$list$ROOT/installation
}

@test "499 overlays over the installation are mounted, all of them" {
    many 499
    run -0 overlay mount x
    run -0 ls "$STATE/runtime/x/merged"
    assert_equal "$(grep -c ^file <<<"$output")" 499
    assert_line of-installation
}

@test "one overlay more is refused" {
    many 500
    run -78 overlay mount x
    assert_output 'left4me-overlay: more than 500 layers in L4D2_LOWERDIRS: overlayfs takes no more'
    assert_mounts 0
}

@test "a mount that was left behind is replaced" {
    layer overlays/former
    L4D2_LOWERDIRS=$ROOT/overlays/former:$ROOT/installation overlay mount x
    ns mount -t tmpfs another "$MERGED"
    assert_mounts 2
    run -0 overlay mount x
    assert_output ''
    assert_mounts 1
    run -0 ls "$STATE/runtime/x/merged"
    assert_line of-a
    refute_line of-former
}

@test "instances do not touch each other's mounts" {
    instance y
    overlay mount x
    overlay mount y
    echo x >"$STATE/runtime/x/merged/written"
    run -1 test -e "$STATE/runtime/y/merged/written"
    overlay umount x
    assert_mounts 0
    assert_mounts 1 "$ROOT/runtime/y/merged"
}

# --- Refused ----------------------------------------------------------------------------------

@test "an instance that is not compiled is told so" {
    unset L4D2_LOWERDIRS
    run -78 overlay mount x
    assert_output "left4me-overlay: instance x is not compiled: run 'systemctl daemon-reload'"
}

@test "an entry that is no layer is refused by name, before anything is mounted" {
    mkdir "$STATE/secret"
    local entry
    for entry in '' / "$ROOT" "$ROOT/" "$ROOT/secret" "$ROOT/overlays" "$ROOT/overlays/" \
        "$ROOT/overlays/../secret" "$ROOT/overlays/a/../../secret" "$ROOT/overlays/./a" \
        "$ROOT/overlays//a" "$ROOT/overlays/a/" "$ROOT//overlays/a" "$ROOT/overlays/.hidden" \
        overlays/a /etc "$ROOT/installation/" "$ROOT/installation/sub" "$ROOT/overlays/a b" \
        "$ROOT/overlays/a,upperdir=b" "$ROOT/overlays/a\\" "${ROOT}x/overlays/a" \
        "$ROOT/installation"; do
        L4D2_LOWERDIRS=$entry:$ROOT/installation run -78 overlay mount x
        assert_output --partial "left4me-overlay: '$entry' in L4D2_LOWERDIRS is no layer: "
    done
    L4D2_LOWERDIRS=$ROOT/overlays/a: run -78 overlay mount x
    assert_output --partial "'' in L4D2_LOWERDIRS is no layer"
    assert_mounts 0
}

@test "a missing overlay is named" {
    rm -r "$STATE/overlays/b"
    run -78 overlay mount x
    assert_output "left4me-overlay: overlay '$ROOT/overlays/b' does not exist"
    assert_mounts 0
}

@test "a missing installation is named, with what to do" {
    rm -r "$STATE/installation"
    run -78 overlay mount x
    assert_output "left4me-overlay: installation '$ROOT/installation' does not exist: install the\
 game there (see README)"
}

@test "an installation without the game is told, and not left mounted" {
    rm "$STATE"/{installation,overlays/*}/srcds_run
    run -78 overlay mount x
    assert_output "left4me-overlay: there is no srcds_run in installation '$ROOT/installation', nor\
 in an overlay: install the game there (see README)"
    assert_mounts 0
}

@test "a layer that is a file or a FIFO is refused, without waiting for a writer" {
    rm -r "$STATE/overlays/b"
    : >"$STATE/overlays/b"
    run -78 timeout 5 nsenter -t "$MOUNTNS_PID" -m -p "$HELPERS/left4me-overlay" mount x
    assert_output "left4me-overlay: overlay '$ROOT/overlays/b' is no directory"
    rm "$STATE/overlays/b"
    mkfifo "$STATE/overlays/b"
    run -78 timeout 5 nsenter -t "$MOUNTNS_PID" -m -p "$HELPERS/left4me-overlay" mount x
    assert_output "left4me-overlay: overlay '$ROOT/overlays/b' is no directory"
}

@test "a symlink in a layer's place or on the way to it is refused" {
    mkdir -p "$STATE/secret/sub"
    ln -s ../secret "$STATE/overlays/link"
    local path
    for path in link link/sub; do
        L4D2_LOWERDIRS=$ROOT/overlays/$path:$ROOT/installation run -78 overlay mount x
        assert_output --partial "overlay '$ROOT/overlays/$path' is a symbolic link, or lies behind"
    done
    mv "$STATE/overlays" "$STATE/others"
    ln -s others "$STATE/overlays"
    run -78 overlay mount x
    assert_output --partial "overlay '$ROOT/overlays/a' is a symbolic link, or lies behind one"
    assert_mounts 0
}

@test "an installation that is a symlink to anything but a sibling is refused" {
    rm -r "$STATE/installation"
    local target
    for target in /etc ../secret ./a overlays/a .. . "$ROOT/runtime" release-1/; do
        ln -sfn "$target" "$STATE/installation"
        run -78 overlay mount x
        assert_output --partial "'$ROOT/installation' is a symbolic link to '$target': it may only\
 lead to a directory beside it"
    done
    ln -sfn release-1 "$STATE/installation"
    run -78 overlay mount x
    assert_output "left4me-overlay: cannot use '$ROOT/release-1', to which the symbolic link\
 '$ROOT/installation' leads: it does not exist"
    ln -s overlays "$STATE/release-1"
    run -78 overlay mount x
    assert_output --partial 'it is a symbolic link, or lies behind one'
    assert_mounts 0
}

@test "layers of which one lies beneath another are both named" {
    layer overlays/a/sub
    local mounted=$ROOT/installation
    L4D2_LOWERDIRS=$ROOT/overlays/b:$ROOT/overlays/a/sub:$ROOT/overlays/a:$mounted \
        run -78 overlay mount x
    assert_output "left4me-overlay: overlay '$ROOT/overlays/a/sub' lies beneath overlay\
 '$ROOT/overlays/a': overlayfs takes only one of them"
    L4D2_LOWERDIRS=$ROOT/overlays/a:$ROOT/overlays/b:$ROOT/overlays/a:$mounted \
        run -78 overlay mount x
    assert_output "left4me-overlay: overlay '$ROOT/overlays/a' is in L4D2_LOWERDIRS twice"
    ns mount --bind "$ROOT/overlays/a" "$ROOT/overlays/b"
    run -78 overlay mount x
    assert_output --partial 'the same directory by way of a bind mount'
    assert_mounts 0
}

# Before 6.7 the kernel says why to the kernel log alone, and which directory it means not at all.
assert_upper_refused() {
    run -1 overlay mount x
    if kernel_has 6.7; then
        assert_output --partial "'$ROOT/runtime/x/upper' cannot be the upper directory of an overlay: "
        assert_output --regexp "\\(kernel: overlay: filesystem on .* $1\\)"
    else
        assert_output --partial "cannot mount the overlay of '$ROOT/runtime/x': "
    fi
    assert_mounts 0
}

@test "an upper on an overlay is refused, with what the kernel says" {
    ns mount -t overlay -o "lowerdir=$ROOT/overlays/a:$ROOT/overlays/b" t "$ROOT/runtime/x/upper"
    assert_upper_refused 'not supported as upperdir'
}

@test "an upper that is read-only is refused" {
    ns mount -t tmpfs -o ro t "$ROOT/runtime/x/upper"
    assert_upper_refused 'is read-only'
}

@test "an upper and a work that do not fit together are refused in words" {
    ns mount -t tmpfs t "$ROOT/runtime/x/upper"
    run -1 overlay mount x
    assert_output --partial "the overlay of '$ROOT/runtime/x': upper and work do not fit together"
    assert_output --partial "'systemctl clean --what=state left4me-server@x'"
    ns umount "$ROOT/runtime/x/upper"

    mkdir "$STATE/runtime/x/upper/work"
    ns mount --bind "$ROOT/runtime/x/upper/work" "$ROOT/runtime/x/work"
    run -1 overlay mount x
    assert_output --partial "upper and work do not fit together"
    ns umount "$ROOT/runtime/x/work"

    mkdir -p "$STATE/runtime/x/work/work/incompat/volatile"
    run -1 overlay mount x
    assert_output --partial "hold what overlayfs cannot use"
    assert_mounts 0
}

@test "a mount that overlayfs would make read-only for want of space is refused and undone" {
    ns sh -euc "mount -t tmpfs -o nr_inodes=20 t $ROOT/runtime/x; cd $ROOT/runtime/x
        mkdir upper work merged full; while touch full/\$((i += 1)) 2>/dev/null; do :; done"
    run -1 overlay mount x
    assert_output --partial "'$ROOT/runtime/x/work' does not let overlayfs make its directory there"
    refute_output --partial 'is busy'
    assert_mounts 0
    rm -r "$STATE/runtime/x/full"
    run -0 overlay mount x
    assert_mounts 1
}

@test "a runtime directory that is missing, or lacks one of the three, is named" {
    local what
    for what in upper work merged; do
        rm -r "$STATE/runtime/x/$what"
        run -1 overlay mount x
        assert_output --partial "cannot use '$ROOT/runtime/x/$what': it does not exist; it is made"
        instance x
    done
    rm -r "$STATE/runtime/x"
    run -1 overlay mount x
    assert_output "left4me-overlay: cannot use '$ROOT/runtime/x', which systemd makes: it does not\
 exist"
}

# --- What the game's user plants --------------------------------------------------------------

# victim: a directory that nothing may reach; $1, a path beneath the state root, becomes a link to it.
plant() {
    mkdir -p "$STATE"/../victim/{upper,work,merged}
    rm -rf "${STATE:?}/$1"
    ln -s /var/lib/victim "$STATE/$1"
}

assert_victim_untouched() {
    run -0 find "$STATE/../victim" -mindepth 1 -printf '%P\n'
    assert_equal "$(sort <<<"$output")" $'merged\nupper\nwork'
    run grep -F /var/lib/victim "/proc/$MOUNTNS_PID/mountinfo"
    assert_output ''
}

@test "a symlink in place of upper, work, merged or the instance leads nowhere" {
    local what
    for what in runtime/x/upper runtime/x/work runtime/x/merged; do
        plant "$what"
        run -1 overlay mount x
        assert_output --partial "cannot use '$ROOT/$what': it is a symbolic link, or lies behind one"
        assert_victim_untouched
        run -0 overlay umount x
        rm "$STATE/$what"
        instance x
    done
    plant runtime/x
    run -1 overlay mount x
    assert_output --partial "cannot use '$ROOT/runtime/x', which systemd makes: it is a symbolic link"
    assert_victim_untouched
    ns mount -t tmpfs t /var/lib/victim/merged
    run -1 overlay umount x
    assert_output --partial "cannot use '$ROOT/runtime/x': it is a symbolic link"
    assert_mounts 1 /var/lib/victim/merged
}

@test "what a planted symlink leads to is not unmounted" {
    plant runtime/x/merged
    ns mount -t tmpfs t /var/lib/victim
    run -0 overlay umount x
    assert_mounts 1 /var/lib/victim
    run -1 overlay mount x
    assert_mounts 1 /var/lib/victim
}

@test "a file or a FIFO in place of upper, work or merged is refused, without waiting" {
    local what make
    for what in upper work merged; do
        for make in touch mkfifo; do
            rm -rf "$STATE/runtime/x/$what"
            "$make" "$STATE/runtime/x/$what"
            run -1 timeout 5 nsenter -t "$MOUNTNS_PID" -m -p "$HELPERS/left4me-overlay" mount x
            assert_output --partial "'$ROOT/runtime/x/$what': it is no directory"
            run -0 timeout 5 nsenter -t "$MOUNTNS_PID" -m -p "$HELPERS/left4me-overlay" umount x
            rm "$STATE/runtime/x/$what"
            instance x
        done
    done
}

@test "directories that are swapped for symlinks all the while lead nowhere" {
    mkdir -p "$STATE"/../victim/{upper,work,merged}
    local what
    for what in upper work merged; do
        ln -s "/var/lib/victim/$what" "$STATE/runtime/x/link-$what"
    done
    ns_background "$HELPERS/swap" "$ROOT/runtime/x" upper link-upper work link-work \
        merged link-merged
    local swapper=$NS_BACKGROUND
    run -0 ns sh -c '
        mounted=0 refused=0 i=0
        while [ $i -lt 300 ]; do
            i=$((i + 1))
            if "$1/left4me-overlay" mount x; then
                mounted=$((mounted + 1))
            else
                refused=$((refused + 1))
            fi 2>/dev/null
            "$1/left4me-overlay" umount x 2>/dev/null
        done
        echo "$mounted $refused"' - "$HELPERS"
    ns kill "$swapper"
    # Had it never met either, the swapping would not have been tested.
    assert_output --regexp '^[1-9][0-9]* [1-9][0-9]*$'
    assert_victim_untouched
}

# --- Unmounting -------------------------------------------------------------------------------

# hold [WRAPPER…]: a shell whose working directory is in the mount; its PID is in NS_BACKGROUND.
hold() {
    ns_background "$@" sh -c 'cd "$1"; echo $$; read -r _ </var/lib/never' - "$MERGED"
}

@test "a mount that was moved with its directory is found again" {
    # In a mount namespace where merged is no mount point, its owner may rename it.
    ns_background unshare --mount --propagation private sh -c \
        'echo $$; while ! [ -e "$1/go" ]; do sleep 0.01; done
         mv "$1/merged" "$1/moved"; mkdir "$1/merged"; touch "$1/done"; read -r _ </var/lib/never' - \
        "$ROOT/runtime/x"
    overlay mount x
    touch "$STATE/runtime/x/go"
    until [[ -e $STATE/runtime/x/done ]]; do sleep 0.01; done
    assert_mounts 1 "$ROOT/runtime/x/moved"

    run -0 overlay mount x
    assert_output "left4me-overlay: the tree of instance x was mounted on '$ROOT/runtime/x/moved',\
 where somebody had moved it: detached"
    assert_mounts 0 "$ROOT/runtime/x/moved"
    assert_mounts 1
    run -0 overlay umount x
    assert_output ''
}

@test "where the state root is a bind mount, the tree is seen at its other place too, and none was moved" {
    ns sh -euc 'mkdir /var/lib/disk; cp -a "$1/." /var/lib/disk; mount --bind /var/lib/disk "$1"' - "$ROOT"
    run -0 overlay mount x
    assert_output ''
    assert_mounts 1
    assert_mounts 1 /var/lib/disk/runtime/x/merged
    run -0 ns cat "$MERGED/which"
    assert_output overlays/a
    # Over one that is there.
    run -0 overlay mount x
    assert_output ''
    assert_mounts 1
    assert_mounts 1 /var/lib/disk/runtime/x/merged
    run -0 overlay umount x
    assert_output ''
    assert_mounts 0
    assert_mounts 0 /var/lib/disk/runtime/x/merged
}

@test "a mount that was moved is found again though the runtime directory is gone" {
    ns_background unshare --mount --propagation private sh -c \
        'echo $$; while ! [ -e "$1/x/go" ]; do sleep 0.01; done
         mv "$1/x" "$1/mo ved"; touch "$1/done"; read -r _ </var/lib/never' - "$ROOT/runtime"
    overlay mount x
    touch "$STATE/runtime/x/go"
    until [[ -e $STATE/runtime/done ]]; do sleep 0.01; done
    run -0 overlay umount x
    assert_output --partial "was mounted on '$ROOT/runtime/mo ved/merged'"
    run -0 cat "/proc/$MOUNTNS_PID/mountinfo"
    refute_output --partial left4me-x
}

@test "directories that are swapped for others all the while keep no mount" {
    mkdir "$STATE/runtime/x/other"
    ns_background "$HELPERS/swap" "$ROOT/runtime/x" merged other
    local swapper=$NS_BACKGROUND
    run -0 ns sh -c '
        i=0
        while [ $i -lt 500 ]; do
            i=$((i + 1))
            "$1/left4me-overlay" mount x
            "$1/left4me-overlay" umount x
            grep -q left4me-x /proc/self/mountinfo && echo still mounted
        done 2>&1 | sort | uniq -c' - "$HELPERS"
    ns kill "$swapper"
    refute_output --partial 'still mounted'
    run -0 cat "/proc/$MOUNTNS_PID/mountinfo"
    refute_output --partial left4me-x
}

@test "umount of what is not mounted is silent success" {
    unset L4D2_LOWERDIRS
    run -0 overlay umount x
    assert_output ''
    run -0 overlay umount nosuch
    assert_output ''
    rm -r "$STATE/runtime/x/merged"
    run -0 overlay umount x
    assert_output ''
    rm -r "$STATE/runtime"
    run -0 overlay umount x
    assert_output ''
    rm -r "${STATE:?}"/*
    ns sh -c "rmdir $ROOT"
    run -0 overlay umount x
    assert_output ''
}

@test "umount takes everything off that is mounted there, without an environment" {
    overlay mount x
    ns mount -t tmpfs another "$MERGED"
    ns mount -t tmpfs third "$MERGED"
    unset L4D2_LOWERDIRS
    run -0 overlay umount x
    assert_output ''
    assert_mounts 0
}

@test "layers and installation that were removed meanwhile do not keep umount" {
    overlay mount x
    rm -r "$STATE/overlays" "$STATE/installation"
    run -0 overlay umount x
    assert_output ''
    assert_mounts 0
}

@test "a busy mount is detached, and whoever holds it is named" {
    overlay mount x
    hold
    local holder=$NS_BACKGROUND
    run -0 overlay umount x
    assert_output "left4me-overlay: '$MERGED' is busy, detached lazily; held by sh\
 (PID $holder): the instance does not start again before they end"
    assert_mounts 0
}

@test "a holder by an open file, by its executable and by a mapped library is found" {
    local libm
    libm=$(ldconfig -p | sed -n 's/.*libm\.so\.6 .*x86-64.* => //p' | head -n 1)
    cp "$(command -v sh)" "$STATE/installation/mysh"
    cp "${libm:-/lib/libm.so.6}" "$STATE/installation/mapped.so"
    overlay mount x

    local wait='echo $$; read -r _ </var/lib/never' command
    for command in 'exec 9>"$1/log"; eval "$2"' 'exec "$1/mysh" -c "$2"' \
        'LD_PRELOAD=$1/mapped.so exec sh -c "$2"'; do
        ns_background sh -c "$command" - "$MERGED" "$wait"
        run -0 overlay umount x
        assert_output --regexp "held by (my)?sh \\(PID $NS_BACKGROUND\\): the"
        ns kill "$NS_BACKGROUND"
        wait_mount
    done
}

@test "a holder in a mount namespace of its own is found" {
    overlay mount x
    hold unshare --mount --propagation slave
    local holder=$NS_BACKGROUND
    run -0 overlay umount x
    assert_output --partial "held by sh (PID $holder): the"
    assert_mounts 0
}

@test "many holders are counted" {
    overlay mount x
    local i
    for ((i = 0; i < 11; i++)); do
        hold
    done
    run -0 overlay umount x
    assert_output --regexp '(sh \(PID [0-9]+\)(, )?){8} and 3 more: the instance'
}

@test "a holder's hostile name cannot forge a line of the log" {
    overlay mount x
    ns_background sh -c 'cd "$1"; printf "a\nb\033[2J" >/proc/$$/comm; echo $$
        read -r _ </var/lib/never' - "$MERGED"
    run -0 overlay umount x
    assert_equal "${#lines[@]}" 1
    assert_output --partial 'a\x0ab\x1b[2J (PID '
}

@test "a mount beneath the mount is detached with it" {
    overlay mount x
    mkdir "$STATE/runtime/x/merged/sub"
    ns mount -t tmpfs t "$MERGED/sub"
    run -0 overlay umount x
    assert_output --partial "'$MERGED' is busy, detached lazily; no process was found that holds it"
    assert_mounts 0
    assert_mounts 0 "$MERGED/sub"
}

# --- Two mounts of one upper ------------------------------------------------------------------

# What was killed may take a moment to let go.
wait_mount() {
    local i
    for ((i = 0; i < 100; i++)); do
        ! overlay mount x || return 0
        sleep 0.05
    done
    return 1
}

in_use() {
    printf "left4me-overlay: '%s' is still in use by a former mount, held by %s: a second one would\
 damage it; end what holds it, and start again" "$ROOT/runtime/x/upper" "$1"
}

@test "an upper that is held by way of a former mount is not mounted again before its holder ends" {
    overlay mount x
    hold
    run -0 overlay umount x
    local i
    for i in 1 2; do
        run -1 overlay mount x
        assert_output "$(in_use "sh (PID $NS_BACKGROUND)")"
        assert_mounts 0
    done
    # It is the upper that is held, and not what is open otherwise.
    echo late | ns dd of="/proc/$NS_BACKGROUND/cwd/late" status=none
    assert_equal "$(<"$STATE/runtime/x/upper/late")" late

    ns kill "$NS_BACKGROUND"
    wait_mount
    assert_mounts 1
    run -0 overlay umount x
    assert_output ''
}

@test "a busy mount that a crash left is detached, and a second one is not made" {
    overlay mount x
    hold
    run -1 overlay mount x
    assert_line --partial "is busy, detached lazily; held by sh (PID $NS_BACKGROUND)"
    assert_line "$(in_use "sh (PID $NS_BACKGROUND)")"
    assert_mounts 0
}

@test "a mount that somebody else detached, and holds, is told too" {
    overlay mount x
    ns_background sh -c 'exec 9>"$1/log"; echo $$; read -r _ </var/lib/never' - "$MERGED"
    ns umount --lazy "$MERGED"
    run -0 overlay umount x
    assert_output "left4me-overlay: '$MERGED' is unmounted, but lives on; held by sh (PID\
 $NS_BACKGROUND): the instance does not start again before that ends"
    run -1 overlay mount x
    assert_output "$(in_use "sh (PID $NS_BACKGROUND)")"
}

@test "a mount of which a mount namespace has a copy is told, and not doubled" {
    overlay mount x
    ns_background unshare --mount --propagation private sh -c \
        'echo $$; read -r _ </var/lib/never' - "$MERGED"
    run -0 overlay umount x
    assert_output --partial "'$MERGED' is unmounted, but lives on; held by no process that was found:\
 look for a mount namespace that still has it"
    run -1 overlay mount x
    assert_output --partial 'is still in use by a former mount'
    ns kill "$NS_BACKGROUND"
    wait_mount
}

@test "an upper that is new, after a reset, is mounted though the old one is still held" {
    overlay mount x
    hold
    overlay umount x
    rm -r "$STATE/runtime/x"
    instance x
    run -0 overlay mount x
    assert_output ''
    run -0 overlay umount x
    assert_output ''
}

@test "another mount that got the number of the former one is not taken for it" {
    overlay mount x
    local device
    device=$(mounts_on "$MERGED" | cut -d' ' -f3)
    ns umount "$MERGED"
    # The lowest that is free is the next one's.
    local i
    for ((i = 0; i < 50; i++)); do
        mkdir "$STATE/t$i"
        ns mount -t tmpfs t "$ROOT/t$i"
        [[ $(mounts_on "$ROOT/t$i" | cut -d' ' -f3) != "$device" ]] || break
    done
    run -0 overlay mount x
    assert_output ''
}

@test "a record that is damaged or cannot be written stops no start" {
    overlay mount x
    ns sh -c ': >/run/left4me-overlay/x'
    run -0 overlay mount x
    assert_output ''
    overlay umount x
    ns sh -c 'rm -r /run/left4me-overlay; touch /run/left4me-overlay'
    run -0 overlay mount x
    assert_output --partial "cannot write '/run/left4me-overlay/x', ignoring: "
}

@test "nothing is kept of a mount that has ended" {
    overlay mount x
    run -0 ns ls /run/left4me-overlay
    assert_output x
    overlay umount x
    run -0 ns ls /run/left4me-overlay
    assert_output ''
}

@test "a user who is not root is told so" {
    run -1 ns setpriv --reuid=65534 --clear-groups "$HELPERS/left4me-overlay" umount x
    assert_output --partial 'only root can mount and unmount'
}

# --- What older kernels take ------------------------------------------------------------------

# A kernel that is older than the interface has to say so.
assert_interface() {
    local since=$1
    shift
    if kernel_has "$since"; then
        run -0 "$@"
    else
        run "$@"
        assert_equal "$status" 3
    fi
}

# assert_tree_by API SINCE
assert_tree_by() {
    assert_interface "$2" fallback "$1" overlays/a overlays/b installation
    kernel_has "$2" || return 0
    assert_mounts 1
    assert_output --partial 'nosuid,nodev'
    run -0 cat "$STATE"/runtime/x/merged/{which,of-a,of-b,of-installation}
    assert_output $'overlays/a\noverlays/a\noverlays/b\ninstallation'
    echo written >"$STATE/runtime/x/merged/which"
    run -0 cat "$STATE/runtime/x/upper/which"
    assert_output written
}

@test "descriptors given to fsconfig make the tree" {
    assert_tree_by fd 6.15
}

@test "paths of descriptors given to fsconfig make the tree" {
    assert_tree_by string 6.7
}

@test "numbers of descriptors in the options of mount(2) make the tree" {
    assert_tree_by options 5.2
}

@test "500 layers go through each interface" {
    many 499
    local api
    for api in fd:6.15 string:6.7 options:5.2; do
        # shellcheck disable=SC2046
        assert_interface "${api#*:}" fallback "${api%:*}" $(printf 'overlays/l%d ' {1..499}) \
            installation
        kernel_has "${api#*:}" || continue
        run -0 ls "$STATE/runtime/x/merged"
        assert_equal "$(grep -c ^file <<<"$output")" 499
        assert_line of-installation
        overlay umount x
    done
}

@test "options that do not fit into a page are refused, and nothing is mounted" {
    many 499
    # shellcheck disable=SC2046
    run -1 fallback '--times 4 options' $(printf 'overlays/l%d ' {1..499}) installation
    assert_output 'step 0, layer 0: Argument list too long: '
    assert_mounts 0
}
