#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# User left4me, outside of every sandbox, as an enemy of the host: what it may rename it exchanges for
# something else, while PID 1, the generator and the helpers work on it. tests/long has more of it.

# bats file_tags=booted,root

# Much is expanded in the machine only.
# shellcheck disable=SC2016

load lib/hostile.bash

setup_file() {
    hostile_setup
}

teardown_file() {
    lab_destroy
}

@test "what is swapped during 25 starts, stops and cleans leads to nothing outside of the instance" {
    hostile_begin
    hostile_rounds 25
    hostile_end
    printf '%s\n' "$output"
    # Nothing was outside, and nothing hung; had none been started, or all, nothing was tried.
    assert_output --regexp '^started [1-9][0-9]* refused [1-9][0-9]* cleaned [1-9][0-9]*$'
    lab_run systemctl stop left4me-server@x
    hostile_verdict
}

@test "after that the instance is cleaned, and runs" {
    hostile_state
    start x
    wait_answer 27015
    stop x
    lab_run systemctl clean --what=state left4me-server@x
}

# --- In the place of a spec -------------------------------------------------------------------

# planted COMMAND…: what all programs that look at specs have to say of instance p, for which COMMAND
# made something in a spec's place, "$1". None of them waits for it, or takes a minute.
planted() {
    lab_run sh -euc 'rm -rf "$1"; mkdir "$1"; chown left4me:left4me "$1"' - "$ROOT/instances/p"
    lab_run "${@:1:3}" - "$ROOT/instances/p/spec.yaml" "${@:4}"
    run -0 lab_run sh -c 'timeout 60 systemctl daemon-reload || echo "the reload ended with $?"
        for command in check "check p" "show p" "show --json p" "list" "list --json"; do
            timeout 60 left4mectl $command
            [ $? != 124 ] || echo "$command: takes too long"
        done
        timeout 60 systemctl start left4me-server@p
        systemctl status left4me-server@p
        systemctl cat left4me-server@p
        systemctl stop left4me-server@p 2>&1
        systemctl reset-failed left4me-server@p 2>&1
        timeout 60 /usr/lib/systemd/system-generators/left4me-generator --dry-run
        :' 2>&1
    refute_output --partial 'takes too long'
    refute_output --partial 'the reload ended with'
}

assert_secret_kept() {
    refute_output --partial "$SECRET"
    run grep -acF "$SECRET" < <("$LAB" journal "$LAB_ID" --output=export; lab_kmsg)
    assert_output 0
    # And nobody else is worse for it.
    run -0 lab_run cat /run/systemd/generator/left4me-server@x.service.d/50-left4me.conf
    assert_output --partial L4D2_PORT=27015
}

@test "a symlink to root's secret in a spec's place has nobody tell of the secret" {
    hostile_state
    planted sh -euc 'ln -s "$2" "$1"' "$CANARY/secret"
    assert_output --partial 'is reached through a symbolic link, and none is followed'
    assert_secret_kept
}

@test "a hard link to root's secret has nobody tell of the secret" {
    planted sh -euc 'ln "$2" "$1"' "$CANARY/secret"
    assert_output --partial 'has a second hard link'
    assert_secret_kept
    lab_run rm "$ROOT/instances/p/spec.yaml"
}

@test "a directory that is a symlink to that of a secret spec has nobody tell of the secret" {
    planted sh -euc 'rmdir "${1%/*}"; ln -s "$2/x" "${1%/*}"' "$CANARY"
    assert_output --partial 'is reached through a symbolic link, and none is followed'
    assert_secret_kept
}

@test "a spec of 10 GiB is refused unread" {
    planted sh -euc 'truncate --size=10G "$1"'
    assert_output --partial 'is larger than 64 KiB'
    assert_secret_kept
}

@test "a FIFO and /dev/zero in a spec's place are refused, and nobody waits" {
    planted sh -euc 'mkfifo "$1"'
    assert_output --partial 'is no regular file'
    planted sh -euc 'touch "$1"; mount --bind /dev/zero "$1"'
    lab_run umount "$ROOT/instances/p/spec.yaml"
    assert_output --partial 'is no regular file'
    assert_secret_kept
}

@test "100,000 directories of instances hold up no reload, and cost no server" {
    lab_run rm -rf "$ROOT/instances/p"
    lab_run sh -euc 'cd "$1"; seq -f "d%06.0f" 100000 | xargs mkdir' - "$ROOT/instances"
    run -0 lab_run timeout 60 systemctl daemon-reload
    start x
    wait_answer 27015
    stop x
    lab_run sh -c 'cd "$1"; seq -f "d%06.0f" 100000 | xargs rmdir' - "$ROOT/instances"
}

# --- A fault that is found: the last, since it may spill the secret ------------------------------

@test "a helper that follows symbolic links is found out by the same rounds" {
    hostile_state
    lab_run mv /usr/libexec/left4me/left4me-overlay /root
    lab_put -m 0755 /usr/libexec/left4me/left4me-overlay <"$BUILD/tests/overlay-following"
    hostile_begin
    local found=
    for _ in {1..20}; do
        hostile_rounds 10
        [[ ! $output =~ outside: ]] || found=1
        hostile_verdict >/dev/null || found=1
        [[ -z $found ]] || break
    done
    hostile_end
    lab_run systemctl stop left4me-server@x
    lab_run mv /root/left4me-overlay /usr/libexec/left4me
    [[ -n $found ]]
}
