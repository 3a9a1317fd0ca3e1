#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The sandbox as a server sees it that was broken into: tests/attacker.c in the place of the game.
# What each attempt comes to is in tests/golden/attacker, a table for each version of systemd.

# bats file_tags=booted,root

load lib/left4me.bash

HARDENING=$SOURCE/units/left4me-server@.service.d/10-hardening.conf.in

setup_file() {
    require cpp
    require_built tests/attacker
    machine_boot
    layer attack/attacker <"$BUILD/tests/attacker"
    lab_run chmod 0755 "$ROOT/overlays/attack/attacker"
    spec victim <<<$'port: 27016\nconfig: [rcon_password hunter2]'
    spec attack <<<$'port: 27015\noverlays: [attack]'
    reload
    start victim
    wait_answer 27016

    # What may be found, by whoever is user left4me outside.
    lab_run sh -euc 'mkdir -p /home/panel
        for dir in /tmp /var/tmp /dev/shm; do
            echo secret >$dir/of-the-host
            chown left4me: $dir/of-the-host
        done'
    lab_run systemd-run --quiet --unit=listener --uid=left4me \
        "$ROOT/overlays/attack/attacker" listen @left4me-attacker
    lab_wait_for 10 grep -F @left4me-attacker /proc/net/unix

    denied 64 unistd_64.h
    denied 32 unistd_32.h
    attack
}

teardown_file() {
    lab_destroy
}

# denied BITS HEADER: puts the calls that the unit's filter denies, and one that it does not, into the
# attacker's layer, as far as they have a number: "NAME NUMBER".
denied() {
    local -a denied groups
    read -rd '' -a denied < <(sed -n 's/^SystemCallFilter=~//p' "$HARDENING") || :
    mapfile -t groups < <(printf '%s\n' "${denied[@]}" | grep ^@)
    ((${#groups[@]} >= 8))
    {
        printf '#include <asm/%s>\n' "$2"
        {
            printf '%s\n' getpid "${denied[@]}" | grep -v ^@
            # Of a group of groups it says their names only.
            lab_run systemd-analyze --no-pager syscall-filter "${groups[@]}" @chown @clock @module |
                grep -oE '^ +[a-z0-9_]+$'
        } | sort -u | awk '{ print $1, "__NR_" $1 }'
    } | cpp -P | grep -E '^[a-z0-9_]+ [0-9]+$' | layer "attack/calls$1"
}

# The game's own start, with what an attacker does before it.
attack() {
    local victim
    victim=$(lab_run pgrep -u left4me -x srcds_linux)
    layer attack/srcds_run <<END
#!/bin/sh
cd "\$(dirname "\$0")" || exit
mkdir -p left4dead2/logs
./attacker try attack victim $victim 27016 >left4dead2/logs/table
./attacker call64 <calls64 >left4dead2/logs/calls64
./attacker call32 <calls32 >left4dead2/logs/calls32
exec ./srcds_linux \$*
END
    lab_run chmod 0755 "$ROOT/overlays/attack/srcds_run"
    start attack
    lab_wait_for 60 grep -q ready "$ROOT/runtime/attack/upper/left4dead2/logs/standin.log"
}

# Not on each machine: there may be a hypervisor that has no way for them, or a kernel that was told
# to have none. It runs no 32-bit program then, nor the game, and whatever tries ends of SIGSEGV.
makes_32_bit_calls() {
    [[ $("$BUILD/tests/attacker" call32 <<<'getpid 20') == 'getpid allowed' ]]
}

@test "what a server that was broken into may try comes to what the table says" {
    local version
    version=$(lab_run systemctl --version | awk '{ print $2; exit }')
    upper attack logs/table >"$BATS_TEST_TMPDIR/table"
    cp "$SOURCE/tests/golden/attacker/$version" "$BATS_TEST_TMPDIR/expected"
    # Before 6.12 a Landlock domain does not keep these in.
    if [[ $(printf '%s\n' 6.12 "$(uname -r)" | sort -V | head -n 1) != 6.12 ]]; then
        sed -i -E '/ (signal another instance|connect to an abstract socket)/s/EPERM$/allowed/' \
            "$BATS_TEST_TMPDIR/expected"
    fi
    makes_32_bit_calls || sed -i -E 's/(, 32-bit +).*/\1SIGSEGV/' "$BATS_TEST_TMPDIR/expected"
    diff -u "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/table"
}

# assert_killed BITS
assert_killed() {
    run -0 upper attack "logs/calls$1"
    # Had nothing been tried, nothing would have got through.
    assert_line 'getpid allowed'
    ((${#lines[@]} > 60))
    # systemd 257 has what it does not know by name answer as a kernel without it.
    run grep -vE '^getpid | (SIGSYS|ENOSYS)$' <<<"$output"
    assert_output ''
}

@test "each system call of the groups that the filter denies ends who makes it, or is not there" {
    assert_killed 64
}

@test "so it is by the 32-bit way" {
    if makes_32_bit_calls; then
        assert_killed 32
        return
    fi
    run -0 upper attack logs/calls32
    ((${#lines[@]} > 60))
    run grep -v ' SIGSEGV$' <<<"$output"
    assert_output ''
}

@test "the other server is not worse for it" {
    run -0 answer 27016
    assert_output --partial 'status="UP"'
    run -0 property victim NRestarts
    assert_output 0
    run -0 lab_run ls /dev/shm /tmp/of-the-host /var/tmp/of-the-host
    refute_output --partial own
}

@test "nothing that it wrote is anywhere but in its own upper layer" {
    run -0 lab_run find / -xdev \( -name planted -o -name written \)
    assert_output ''
    run -0 lab_run find "$ROOT" /dev/shm /run /tmp /var \( -name planted -o -name written \)
    assert_equal "$(grep -v "^$ROOT/runtime/attack/merged" <<<"$output" | sort -u)" \
        "$(printf '%s\n' "$ROOT/runtime/attack/upper/"{planted,written} | sort)"
}
