#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The harness that boots test machines. What it promises above all is to leave nothing behind.

# bats file_tags=booted,root

load lib/lab.bash

setup_file() {
    # A place of its own: machines of other test files, which may run at the same time, are not
    # to be seen here.
    export LEFT4ME_LAB_RUN=$BATS_FILE_TMPDIR/run
    lab_boot
}

teardown_file() {
    lab_destroy
}

teardown() {
    # The machines of a test itself.
    local id
    for id in "${machines[@]}"; do
        "$LAB" destroy "$id" || :
    done
}

# All that the host knows of a machine: processes, mounts in any namespace, cgroups, files.
traces() {
    local id=$1
    # [/], so that grep does not find itself.
    grep -lasE "(run|left4me-lab)[/]$id\b" /proc/[0-9]*/{cmdline,cgroup,mountinfo}
    find /sys/fs/cgroup -path "*/left4me-lab/$id*" 2>/dev/null
    find "$LEFT4ME_LAB_RUN" -path "*/$id*" 2>/dev/null
    return 0
}

assert_gone() {
    local i left
    # What SIGKILL ends is gone a moment later.
    for ((i = 0; i < 100; i++)); do
        left=$(traces "$1")
        [[ -n $left ]] || return 0
        sleep 0.1
    done
    printf '%s\n' "$left"
    fail "machine $1 left something behind"
}

@test "a booted machine is running, with no failed unit, on its own systemd" {
    run -0 lab_run systemctl is-system-running
    assert_output running
    run -0 lab_run systemctl list-units --failed --no-legend
    assert_output ''
    run -0 lab_run cat /proc/1/comm
    assert_output systemd
}

@test "a command's status, input and output are handed through" {
    run -7 lab_run sh -c 'exit 7'
    run -0 lab_run sh -c 'cat; echo error >&2' <<<'input'
    assert_output $'input\nerror'
    run -0 lab_run printf '[%s]' 'a b' '' '*' '$HOME'
    assert_output '[a b][][*][$HOME]'
}

@test "nothing of the caller's environment, directory and umask reaches a command" {
    export LEFT4ME_LEAK=1
    cd "$BATS_TEST_TMPDIR"
    umask 077
    run -0 lab_run sh -c 'env; pwd; umask'
    refute_output --partial LEFT4ME_LEAK
    assert_line /
    assert_line 0022
}

@test "the machine is on a network of its own that has nothing but lo, up" {
    run -0 lab_run ip -brief link
    assert_output --regexp '^lo +(UNKNOWN|UP)'
    assert_equal "${#lines[@]}" 1
}

@test "the kernel's settings, which are the host's too, are read-only in the machine" {
    run lab_run sh -c 'echo 1 >/proc/sys/kernel/panic'
    assert_failure
    assert_output --partial 'Read-only'
}

@test "a unit in a strict sandbox starts" {
    lab_put /etc/systemd/system/sandboxed.service <<'END'
[Service]
Type=exec
User=daemon
ExecStartPre=/bin/sh -c 'getent hosts localhost && ! touch /run/x && touch /var/lib/left4me/x'
ExecStart=/bin/sleep infinity
StateDirectory=left4me
TemporaryFileSystem=/var/lib /etc:ro /run:ro /opt /home /root /srv /mnt /media
BindReadOnlyPaths=-/etc/passwd -/etc/group -/etc/hosts -/etc/nsswitch.conf /run/systemd/notify
BindPaths=/var/lib/left4me
ProtectSystem=strict
PrivateDevices=yes
PrivateIPC=yes
PrivateTmp=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
LockPersonality=yes
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native x86
SystemCallFilter=@system-service
SystemCallFilter=~@debug @mount @raw-io @reboot @swap @cpu-emulation @obsolete @privileged
END
    lab_run systemctl daemon-reload
    run lab_run systemctl start sandboxed.service
    lab_journal sandboxed.service
    assert_success
    lab_run systemctl stop sandboxed.service
}

@test "the state root takes an overlay's upper directory" {
    lab_run sh -euc '
        cd /var/lib/left4me
        mkdir -p t/lower t/upper t/work t/merged
        mount -t overlay -o lowerdir=t/lower,upperdir=t/upper,workdir=t/work t t/merged
        echo x >t/merged/x
        umount t/merged
        rm -r t'
}

@test "a file that is put has the mode, the owner and the contents asked for" {
    printf 'a\n\nb' | lab_put -m 0640 -o daemon:adm /etc/new/file
    run -0 lab_run stat -c '%a %U %G %s' /etc/new/file
    assert_output '640 daemon adm 4'
}

@test "a record written to /dev/kmsg is a line of the kernel log, with or without a newline" {
    lab_run sh -c 'printf "<4>one[1]: a" >/dev/kmsg; printf "<6>two[22]: b\n" >/dev/kmsg'
    lab_run sh -c 'printf "<3>three: c" >/dev/kmsg'
    sleep 0.2
    run -0 lab_kmsg
    assert_line '<4>one[1]: a'
    assert_line '<6>two[22]: b'
    assert_line '<3>three: c'
}

@test "a reboot keeps the disk and the state, and is a new boot to the journal" {
    lab_run sh -c 'echo kept >/etc/kept; echo kept >/var/lib/left4me/kept; echo x >/run/x'
    local before
    before=$(lab_run cat /proc/sys/kernel/random/boot_id)
    lab_reboot
    run -0 lab_run cat /etc/kept /var/lib/left4me/kept
    assert_output $'kept\nkept'
    run -1 lab_run test -e /run/x
    run -0 lab_run cat /proc/sys/kernel/random/boot_id
    refute_output "$before"
}

@test "a power cut keeps the disk and the state, which can be read while the machine is off" {
    lab_run sh -c 'echo kept >/etc/cut; echo kept >/var/lib/left4me/cut'
    "$LAB" kill "$LAB_ID"
    run -1 "$LAB" run "$LAB_ID" true
    assert_output --partial "is off"
    run -0 cat "$(lab_root)/etc/cut" "$(lab_root)/var/lib/left4me/cut"
    assert_output $'kept\nkept'
    run -0 "$LAB" journal "$LAB_ID" --lines=1
    "$LAB" boot "$LAB_ID"
    run -0 lab_run cat /etc/cut /var/lib/left4me/cut
    assert_output $'kept\nkept'
}

@test "what is installed is there before systemd starts, also through a symlink of the root" {
    local destdir=$BATS_TEST_TMPDIR/destdir
    mkdir -p "$destdir/lib/systemd/system/multi-user.target.wants" "$destdir/usr/bin"
    printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/usr/bin/hello\n' \
        >"$destdir/lib/systemd/system/hello.service"
    ln -s ../hello.service "$destdir/lib/systemd/system/multi-user.target.wants/"
    printf '#!/bin/sh\necho hello\n' >"$destdir/usr/bin/hello"
    chmod 0755 "$destdir/usr/bin/hello"
    chown -R nobody "$destdir"

    run -0 "$LAB" try --install "$destdir" --prepare 'echo prepared >/etc/prepared' \
        sh -c 'systemctl is-active hello.service
               cat /etc/prepared
               stat -c "%U %F" /lib /usr/bin/hello'
    assert_line --index 0 active
    assert_line --index 1 prepared
    assert_line --index 2 'root symbolic link'
    assert_line --index 3 'root regular file'
}

@test "a boot with a failed unit fails, says which, and leaves nothing; unless it is allowed" {
    local -a failing=(--prepare 'cat >/etc/systemd/system/bad.service <<END
[Service]
Type=oneshot
ExecStart=/bin/sh -c "echo it is bad; exit 1"
END
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s ../bad.service /etc/systemd/system/multi-user.target.wants/')
    machines+=(bad)

    run -1 "$LAB" boot --owner "$$" "${failing[@]}" bad
    assert_output --partial 'bad.service'
    assert_output --partial 'it is bad'
    assert_gone bad

    run -0 "$LAB" boot --owner "$$" --allow-degraded "${failing[@]}" bad
    assert_output bad
}

@test "a machine whose disk cannot be made says why, and leaves nothing" {
    run -1 "$LAB" boot --owner "$$" --prepare 'echo no disk >&2; exit 1' nodisk
    assert_output --partial 'no disk'
    assert_gone nodisk
}

@test "two machines at once do not see each other" {
    machines+=(one two)
    "$LAB" boot --owner "$$" one &
    "$LAB" boot --owner "$$" two
    wait $!
    "$LAB" run one sh -c 'echo one >/etc/which; echo one >/var/lib/left4me/which'
    "$LAB" run two sh -c 'echo two >/etc/which; echo two >/var/lib/left4me/which'
    run -0 "$LAB" run one cat /etc/which /var/lib/left4me/which
    assert_output $'one\none'
    run -0 "$LAB" run two cat /etc/which /var/lib/left4me/which
    assert_output $'two\ntwo'
    run -1 "$LAB" boot --owner "$$" two
    assert_output --partial "is on"
}

@test "a destroyed machine leaves no process, mount, cgroup or file" {
    local mounts
    mounts=$(cat /proc/self/mountinfo)
    "$LAB" boot --owner "$$" gone
    "$LAB" run gone sh -c 'setsid sleep 1000 </dev/null >/dev/null 2>&1 &'
    # Were there no traces now, their absence later would say nothing.
    run traces gone
    assert_output --partial /cmdline
    assert_output --partial /cgroup
    assert_output --partial /mountinfo
    assert_output --partial left4me-lab/gone/system.slice
    assert_output --partial run/gone/control

    "$LAB" destroy gone
    assert_gone gone
    assert_equal "$(cat /proc/self/mountinfo)" "$mounts"
    run -1 "$LAB" destroy gone
}

@test "a machine does not outlive its owner, even one that is killed" {
    sleep 1000 &
    local owner=$!
    "$LAB" boot --owner "$owner" orphan
    kill -KILL "$owner"
    assert_gone orphan
}

@test "a try does not outlive the command that made it, even one that is killed" {
    "$LAB" try sh -c 'sleep 1000' >/dev/null 2>&1 3>&- &
    local try=$! id='' i
    for ((i = 0; i < 100; i++)); do
        # All others that this file makes have a name.
        id=$("$LAB" list | sed -n "s/^\(m$try.*\) on/\1/p")
        [[ -z $id ]] || break
        sleep 0.1
    done
    run traces "$id"
    assert_output --partial "run/$id/control"
    kill -KILL "$try"
    assert_gone "$id"
}

parent_of() {
    awk '{ print $4 }' "/proc/$1/stat"
}

@test "a killed keeper takes its machine with it, and the next command sweeps up the rest" {
    local keeper
    "$LAB" boot --owner "$$" kept
    # The supervisor's grandparent: keeper, unshare, supervisor.
    keeper=$(parent_of "$(parent_of "$(<"$LEFT4ME_LAB_RUN/kept/supervisor")")")
    kill -KILL "$keeper"
    local i
    for ((i = 0; i < 100; i++)); do
        grep -q ^/proc < <(traces kept) || break
        sleep 0.1
    done
    run -1 grep ^/proc < <(traces kept)
    "$LAB" list
    assert_gone kept
}

@test "a tree is made once, and then found again" {
    local tree
    tree=$("$(dirname "$LAB")/tree")
    run -0 stat -c %i "$tree"
    local inode=$output
    run -0 "$(dirname "$LAB")/tree"
    assert_output "$tree"
    run -0 stat -c %i "$tree"
    assert_output "$inode"
}

@test "a tree that cannot be made is not there" {
    export LEFT4ME_LAB_CACHE=$BATS_TEST_TMPDIR/cache LEFT4ME_LAB_MIRROR=file:///nonexistent
    run -1 "$(dirname "$LAB")/tree"
    run -0 find "$LEFT4ME_LAB_CACHE" -mindepth 1 -not -name '.lock-*'
    assert_output ''
}

@test "wrong usage is told, with exit status 2" {
    run -2 "$LAB" nonsense
    run -2 "$LAB" boot --nonsense
    run -2 "$LAB" boot --suite
    run -2 "$LAB" boot Not/An/Id
    run -2 "$LAB" run "$LAB_ID"
    run -0 "$LAB" help
}
