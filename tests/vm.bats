#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What namespaces on the host's kernel cannot show: kernels of Debian, with the mount interfaces that
# they have; controllers that limit; the whole sandbox on them; a power cut. 6.1 (bookworm) has
# neither lowerdir+ nor descriptors, so mount(2) it is; 6.12 (trixie) has the first.

# bats file_tags=vm,root

# Much is expanded in the machine only.
# shellcheck disable=SC2016

load lib/vm.bash

setup_file() {
    # The worst of power cuts.
    vm_machine_boot --cache lost
    # In the machine: makes layers, and an instance's directories.
    vm_put -m 0755 /usr/local/bin/layers <<'END'
#!/bin/bash
set -eu
cd /var/lib/left4me
(($#)) && mkdir -p "${@/#/overlays/}"
i=0
for layer; do
    printf '%s\n' "$layer" >"overlays/$layer/topmost"
    : >"overlays/$layer/of-$((++i))"
done
mkdir -p runtime/x/{upper,work,merged}
END
    # In the machine: mounts instance x by left4me-overlay from these layers.
    vm_put -m 0755 /usr/local/bin/mount-layers <<'END'
#!/bin/bash
set -eu
root=/var/lib/left4me list=
for layer; do
    list+=$root/overlays/$layer:
done
export L4D2_LOWERDIRS=$list$root/installation
exec /usr/libexec/left4me/left4me-overlay mount x
END
    # In the machine: mounts it by one of the kernel's interfaces.
    vm_put -m 0755 /usr/local/bin/fallback <<'END'
#!/bin/bash
cd /var/lib/left4me
read -ra api <<<"$1"
exec /usr/local/lib/overlay-fallbacks "${api[@]}" runtime/x/{upper,work,merged} "${@:2}"
END
}

teardown_file() {
    vm_destroy
}

setup() {
    vm_run sh -c 'umount -l /var/lib/left4me/runtime/x/merged 2>/dev/null
        rm -rf /var/lib/left4me/runtime/x /var/lib/left4me/overlays/*'
}

release() {
    case $(vm_run uname -r) in
    6.1.*) echo 6.1 ;;
    6.12.*) echo 6.12 ;;
    *) echo newer ;;
    esac
}

merged() {
    vm_run sh -c 'cd /var/lib/left4me/runtime/x/merged && '"$1"
}

assert_not_mounted() {
    run -0 vm_run awk -v path="$ROOT/runtime/$1/merged" '$5 == path' /proc/self/mountinfo
    assert_output ''
}

# --- Mounting -------------------------------------------------------------------------------------

@test "the kernel has the mount interfaces that are known of it, and no other" {
    vm_run layers a b
    local api status
    case $(release) in
    6.1) set -- fd:3 string:3 options:0 ;;
    6.12) set -- fd:3 string:0 options:0 ;;
    *) set -- options:0 ;;
    esac
    for api; do
        status=${api#*:}
        run "-$status" vm_run fallback "${api%:*}" overlays/a overlays/b installation
        ((status)) || vm_run umount "$ROOT/runtime/x/merged"
    done
}

@test "499 overlays over the installation are mounted, all of them and in order" {
    vm_run sh -c 'layers $(printf "l%d " $(seq 499)) && mount-layers $(printf "l%d " $(seq 499))'
    run -0 merged 'cat topmost; ls | grep -c ^of-; ls srcds_run'
    assert_output $'l1\n499\nsrcds_run'
    vm_run umount "$ROOT/runtime/x/merged"
    run -0 vm_run sh -c 'mount-layers $(printf "l%d " $(seq 499 -1 1)) &&
        cat /var/lib/left4me/runtime/x/merged/topmost'
    assert_output l499
}

@test "names as long and as odd as a spec may have them are mounted" {
    local long=_ names
    long+=$(printf 'x%.0s' {1..254})
    names=("$long" a+b@c.d/e-f "sub/$long/$long" 0..1 _@+-.)
    vm_run layers "${names[@]}"
    vm_run mount-layers "${names[@]}"
    run -0 merged 'cat topmost; ls | grep -c ^of-'
    assert_output "$long"$'\n5'
}

@test "names with what separates overlayfs's options are no matter, however the kernel takes them" {
    # No spec may have them: the paths never get to the kernel as text.
    vm_run layers 'a,upperdir=x' 'b:c' 'd\e' $'f\ng'
    run -0 vm_run fallback options 'overlays/a,upperdir=x' overlays/b:c 'overlays/d\e' \
        $'overlays/f\ng' installation
    run -0 merged 'ls | grep -c ^of-'
    assert_output 4
}

@test "one overlay more than fits is refused, and nothing is mounted" {
    vm_run sh -c 'layers $(printf "l%d " $(seq 500))'
    run ! vm_run sh -c 'mount-layers $(printf "l%d " $(seq 500))'
    assert_output --partial left4me-overlay:
    assert_not_mounted x
}

@test "options that mount(2) would cut at a page are refused, and nothing is mounted" {
    vm_run sh -c 'layers $(printf "l%d " $(seq 499))'
    run -1 vm_run sh -c 'fallback "--times 4 options" $(printf "overlays/l%d " $(seq 499)) installation'
    assert_output 'step 0, layer 0: Argument list too long: '
    assert_not_mounted x
}

@test "an installation that is a symlink to a sibling is followed, anew at each mount" {
    vm_run layers a
    run -0 vm_run sh -euc 'cd /var/lib/left4me
        for i in 1 2; do cp -a installation release-$i; echo $i >release-$i/release; done
        mv -T installation kept
        ln -s release-1 installation
        mount-layers a; cat runtime/x/merged/release; umount runtime/x/merged
        ln -s release-2 new; mv -T new installation
        mount-layers a; cat runtime/x/merged/release; umount runtime/x/merged
        mv -T installation link; mv -T kept installation; rm -r link release-*'
    assert_output $'1\n2'
}

@test "a busy mount is detached, its holder named, and the tree can be mounted again when that ends" {
    vm_run layers a
    vm_run mount-layers a
    run -0 vm_run bash -c 'cd /var/lib/left4me/runtime/x/merged && { sleep 1000 & }
        cd / && /usr/libexec/left4me/left4me-overlay umount x; echo $?
        mount-layers a; echo "again $?"; kill $!; wait $!
        mountpoint -q /var/lib/left4me/runtime/x/merged || mount-layers a && ls /var/lib/left4me/runtime/x/merged/topmost'
    assert_output --regexp 'is busy, detached lazily; held by sleep \(PID [0-9]+\)'
    assert_line 0
    assert_line --regexp 'is still in use by a former mount, held by sleep \(PID [0-9]+\)'
    assert_line 'again 1'
    assert_line "$ROOT/runtime/x/merged/topmost"
}

# --- Running --------------------------------------------------------------------------------------

@test "an instance is started, answers, and is stopped, and nothing of it is left mounted" {
    vm_run layers maps
    spec one <<<$'port: 27015\noverlays: [maps]\nconfig: ["hostname one"]'
    vm_run left4mectl --quiet start one
    vm_answers 27015
    run -0 vm_run cat "$ROOT/runtime/one/upper/left4dead2/logs/standin.log"
    assert_line 'cfg[server.cfg:1]=hostname one'
    run -0 vm_run left4mectl --quiet stop one
    run -0 vm_run systemctl show --value -p Result -p ActiveState left4me-server@one
    assert_output $'success\ninactive'
    assert_not_mounted one
    vm_run left4mectl --quiet delete one
}

# The program in the place of the game, from a layer.
game() {
    vm_put -m 0755 "$ROOT/overlays/$1/srcds_run"
}

# policy < DROP-IN
policy() {
    vm_put /run/systemd/system/left4me-server@.service.d/90-test.conf
    vm_run systemctl daemon-reload
}

@test "the limits of the unit are the controllers' own" {
    spec limits <<<'port: 27015'
    vm_run left4mectl --quiet start --once limits
    run -0 vm_run sh -c 'cd /sys/fs/cgroup/left4me.slice/left4me-game.slice/left4me-server@limits.service &&
        cat memory.high memory.max pids.max'
    assert_output $'1610612736\n2147483648\n256'
    vm_run left4mectl --quiet delete limits
}

@test "a server that takes more memory than it may is killed, and no other is" {
    game glutton <<<$'#!/bin/sh\nexec tail /dev/zero'
    spec glutton <<<$'port: 27015\nready: started\noverlays: [glutton]'
    spec modest <<<'port: 27016'
    policy <<<$'[Service]\nMemoryHigh=infinity\nMemoryMax=64M\nRestart=no'
    vm_run left4mectl --quiet start --once glutton modest
    vm_wait_for 60 sh -c '[ "$(systemctl is-active left4me-server@glutton)" = failed ]'
    run -0 vm_run systemctl show --value -p Result left4me-server@glutton
    assert_output oom-kill
    run -0 vm_run journalctl --boot --output=cat --unit=left4me-server@glutton
    refute_output --partial stop-post
    run -0 vm_run systemctl is-active left4me-server@modest
    assert_not_mounted glutton
    vm_run rm /run/systemd/system/left4me-server@.service.d/90-test.conf
    vm_run left4mectl --quiet delete glutton modest
}

# Makes processes until it is refused one, and says so in a file. Not a shell, which tries again for
# long where fork(2) fails.
forks() {
    game forks <<'END'
#!/usr/bin/perl
$SIG{INT} = sub { exit 0 };
for (1 .. 300) {
    my $pid = fork // last;
    if (!$pid) { $SIG{INT} = "IGNORE"; sleep 1000; exit }
}
mkdir "$ENV{HOME}/forked";
sleep 1000;
END
    spec forks <<<$'port: 27015\nready: started\noverlays: [forks]'
    vm_run left4mectl --quiet start --once forks
    vm_wait_for 120 test -e "$ROOT/runtime/forks/merged/forked"
    run -0 vm_run cat /sys/fs/cgroup/left4me.slice/left4me-game.slice/left4me-server@forks.service/pids.current
}

@test "a server that makes more processes than it may is refused them, and no other is" {
    policy <<<$'[Service]\nLimitNPROC=infinity'
    forks
    assert_output 256
    spec modest <<<'port: 27016'
    vm_run left4mectl --quiet start --once modest
    vm_answers 27016
    vm_run sh -c 'rm /run/systemd/system/left4me-server@.service.d/90-test.conf
        systemctl kill --signal=KILL left4me-server@forks
        umount /var/lib/left4me/runtime/forks/merged || :'
    vm_run left4mectl --quiet delete forks modest
}

@test "with all the processes that it may make, a server is stopped in order, its tree unmounted" {
    forks
    # By the limit of its own namespace: the controller has some left for what stops it.
    ((output > 200 && output < 250))
    vm_run left4mectl --quiet stop forks
    run -0 vm_run systemctl show --value -p Result left4me-server@forks
    assert_output success
    assert_not_mounted forks
    vm_run left4mectl --quiet delete forks
}

# --- Power cut ------------------------------------------------------------------------------------

# The long form, with many of them at any moment, is tests/long/power-cuts.bats.
@test "a power cut at once undoes nothing that left4mectl said is done, and what is enabled runs" {
    spec stopped <<<'port: 27015'
    spec at-boot <<<$'port: 27016\nautostart: true'
    vm_run left4mectl --quiet start stopped at-boot
    vm_answers 27015 27016
    vm_run sync
    # From here on nothing is synced but by left4mectl.
    vm_run left4mectl --quiet stop stopped
    vm_run sh -c 'echo "port: 27017" | left4mectl --quiet create enabled -'
    vm_run left4mectl --quiet --no-block start enabled
    vm_tool cut "$VM"
    vm_boot
    vm_answers 27016 27017
    run -0 vm_run sh -c 'findmnt --list --noheadings --types overlay --output TARGET | sort'
    assert_output "$ROOT/runtime/at-boot/merged"$'\n'"$ROOT/runtime/enabled/merged"
    run -0 vm_run systemctl list-units --failed --no-legend
    assert_output ''
}
