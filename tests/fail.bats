#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Allocations and system calls that fail once, one after the other, and file systems that are full or
# read-only. Here each call is met with one error, by turns; tests/long/fail.bats has them all.

# bats file_tags=root

# Much here is expanded by the shell inside; $output and the like are bats's.
# shellcheck disable=SC2154

load lib/mountns.bash
load lib/fail.bash

setup_file() {
    fail_prepare
    require cc
}

setup() {
    mountns_start
    fail_start
}

teardown() {
    mountns_stop
}

# --- Faults -----------------------------------------------------------------------------------

@test "left4me-generator writes whole files or says why not, whatever fails or ends it" {
    inject generator calls kills
    inject generator-again calls kills
    inject generator-empty calls kills
}

@test "a drop-in is whole or it is said why not, whatever allocation fails" {
    inject generator allocations
}

@test "left4me-stage comes to its end or says why not, whatever fails or ends it" {
    inject stage calls kills allocations
    inject stage-again calls kills
    inject stage-walk calls kills
}

@test "left4me-overlay mounts or leaves nothing mounted, by each interface, whatever fails or ends it" {
    inject mount calls kills allocations
    inject mount-again calls kills
    inject mount-by-string calls
    inject mount-by-options calls kills
}

@test "left4me-overlay unmounts or says why not, whatever fails or ends it" {
    inject umount calls kills allocations
    inject umount-busy calls
    inject umount-nothing calls
}

# --- File systems -----------------------------------------------------------------------------

@test "left4me-stage leaves no part of a file on a file system that is full, at any size" {
    local options full=0 fits=0
    instance
    for options in size={4..80..4}k nr_inodes={1..10}; do
        ns mount -t tmpfs -o "uid=$USER_ID,gid=$USER_ID,$options" t "$ROOT/runtime/x"
        run stage
        if ((status)); then
            assert_equal "$status" 1
            assert_output --regexp "^left4me-stage: cannot stage '$ROOT/runtime/x/.*': No space left on device$"
            full=$((full + 1))
        else
            fits=$((fits + 1))
        fi
        staged "$status"
        ns umount "$ROOT/runtime/x"
    done
    # Both were met: with 50 kB, and in a few inodes.
    ((full > 15 && fits > 5))
}

@test "on a file system that is read-only, left4me-stage and left4me-overlay say so and change nothing" {
    instance
    chown "$USER_ID:$USER_ID" "$STATE/runtime/x"
    ns mount -o remount,ro /var/lib
    run -1 stage
    assert_output "left4me-stage: cannot stage '$ROOT/runtime/x/work': Read-only file system"
    ns mount -o remount,rw /var/lib
    stage
    ns mount -o remount,ro /var/lib
    run -1 stage
    assert_output --partial 'Read-only file system'
    staged 0
    run -1 ns /var/lib/helpers/left4me-overlay mount x
    assert_output --partial "left4me-overlay: "
    run mounts_on "$ROOT/runtime/x/merged"
    assert_output ''
    ns mount -o remount,rw /var/lib
}

# --- Faults that were planted -----------------------------------------------------------------

# Each of the promises is broken by a program of its own, which has to be found.

# mutant FILE EXPRESSION PROGRAM SOURCES: makes left4me-PROGRAM of the sources, a pattern, with the
# text that the Perl expression changes in FILE, and puts it where $PROGRAMS says.
mutant() {
    local copy=$BATS_TEST_TMPDIR/copy file=$1 expression=$2 program=$3 sources=$4
    mkdir "$copy"
    cp -r "$SOURCE"/{generator,helpers,shared,spec} "$copy"
    perl -0pi -e "$expression" "$copy/$file"
    run -1 cmp -s "$SOURCE/$file" "$copy/$file"
    PROGRAMS=/var/lib/mutant
    mkdir -p "/proc/$MOUNTNS_PID/root$PROGRAMS"
    cp "$BUILD/tests/fail-alloc.so" "/proc/$MOUNTNS_PID/root$PROGRAMS/"
    # shellcheck disable=SC2086 # a pattern
    (cd "$copy" && cc -O1 -std=gnu17 -I. -I"$BUILD" -DLEFT4ME_ROOT_DIR='"/var/lib/left4me"' \
        -DSYSTEM_UNIT_DIR='"/lib/systemd/system"' -o "/proc/$MOUNTNS_PID/root$PROGRAMS/left4me-$program" \
        $sources spec/*.c shared/*.c -lyaml)
}

generator_mutant() {
    mutant "$1" "$2" generator 'generator/*.c'
}

@test "a close of a written file that is not checked is found" {
    generator_mutant shared/fd.c 's/return close\(TAKE_FD\(\*fd\)\) < 0 \? -errno : 0;/(void)close(TAKE_FD(*fd)); return 0;/'
    run -1 inject --only '^close' generator calls
    assert_output --partial 'not on the list of what may be ignored'
}

@test "a write that is not checked is found" {
    generator_mutant shared/fd.c 's/if \(n < 0\)\n            return -errno;\n        buf/if (n < 0) return 0;\n        buf/'
    run -1 inject --only '^write' generator calls
    assert_output --partial 'success, but the result is another'
}

@test "a file that is not removed when it could not be written is found" {
    generator_mutant generator/left4me-generator.c 's/\(void\)unlinkat\(dir_fd, temporary, 0\);/(void)0;/'
    run -1 inject --only '^(write|renameat)' generator calls
    assert_output --partial 'neither old nor new: left4me-server@a.service.d/.50-left4me.conf.'
}

@test "a file that is written in its place is found, by a kill" {
    generator_mutant generator/left4me-generator.c 's/temporary, O_WRONLY \| O_CREAT \| O_EXCL/path, O_WRONLY | O_CREAT | O_TRUNC/; s/renameat\(dir_fd, temporary, dir_fd, path\) < 0/0/'
    run -1 inject --only '^write' generator-again kills
    assert_output --partial 'neither old nor new: left4me-server@a.service.d/50-left4me.conf'
}

@test "text that is lost with an allocation is found" {
    generator_mutant shared/text-stream.c 's/if \(!text\)\n            return 0;/if (!text) return (ssize_t)len;/'
    run -1 inject generator allocations
    assert_output --partial 'success, but the result is another'
}

@test "a crash for want of memory is found" {
    generator_mutant shared/text-stream.c 's/if \(!text\)\n            return 0;//'
    run -1 inject generator allocations
    assert_output --partial 'no status that is documented'
}

@test "a failure without a message is found" {
    generator_mutant generator/left4me-generator.c 's/log_error\("cannot write \x27%s\x27: %s", path, strerror\(-r\)\);//'
    run -1 inject --only '^(write|mkdirat|renameat)' generator calls
    assert_output --partial 'it failed without a word'
}

@test "a mount that is left behind a failure is found" {
    mutant helpers/left4me-overlay.c 's/if \(status != EXIT_DONE && unmount\(name, instance_fd, &busy\) == EXIT_DONE\)/if (false)/' \
        overlay "helpers/command-line.c helpers/holders.c helpers/last-mount.c helpers/left4me-overlay.c
            helpers/lowerdirs.c helpers/mounts.c helpers/overlay-mount.c"
    run -1 inject mount-by-options calls
    assert_output --partial 'fchdir(<read> = '
    assert_output --partial 'a mount is left'
}
