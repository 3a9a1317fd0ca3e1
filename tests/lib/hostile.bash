# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A machine on which a hostile user left4me is at work while a server is started, stopped and cleaned:
# "load lib/hostile.bash", hostile_setup in setup_file, and then
#
#   hostile_begin
#   hostile_rounds 25         how it went is in $output
#   hostile_end
#   hostile_verdict           what was done to anything that is none of the server's

# shellcheck disable=SC2034

load "$(dirname "${BASH_SOURCE[0]}")/left4me.bash"

CANARY=$ROOT/canary
SECRET=canary-secret-7f3a
# What user left4me may rename: its own, at each level. What the helpers work on is named more often:
# were the rest swapped as often, hardly a start would get so far.
HOSTILE_PATHS=(
    runtime/x/{upper,work,merged}{,,,,,,,}
    runtime/x/upper/left4dead2{,,} runtime/x/upper/left4dead2/cfg{,,}
    runtime/x/upper/left4dead2/cfg/{server.cfg,server_a.cfg}{,,}
    runtime/x/work/work{,,}
    instances/x instances/x/spec.yaml
    overlays/a overlays/a/left4dead2 overlays/a/left4dead2/cfg overlays/a/left4dead2/cfg/server.cfg
    installation/srcds_run installation/srcds_linux installation/left4dead2 installation/bin
)

hostile_setup() {
    require_built tests/hostile tests/overlay-following
    machine_boot
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=1s\nTimeoutStartSec=60'
    lab_put -m 0755 /usr/local/bin/hostile <"$BUILD/tests/hostile"
    hostile_state
}

# All that user left4me has, as it should be. The canary is there for whatever name is looked for in
# it, open to everybody, but for what is secret.
# shellcheck disable=SC2016
hostile_state() {
    lab_run systemctl stop left4me-server@x
    lab_run systemctl reset-failed left4me-server@x 2>/dev/null || :
    lab_run rm -rf "$ROOT"/{canary,instances/x,overlays/a,runtime/x}
    lab_run sh -euc '
        mkdir -p "$1"; cd "$1"
        mkdir -p upper/left4dead2/cfg work merged left4dead2/cfg cfg bin x a/left4dead2/cfg
        for file in secret server.cfg server_a.cfg cfg/server.cfg left4dead2/cfg/server.cfg \
            upper/left4dead2/cfg/server.cfg srcds_run srcds_linux spec.yaml x/spec.yaml; do
            printf "port: 27015\nconfig: [%s]\n%s: %s\n" "$2" "$2" "$2" >"$file"
        done
        chmod -R a+rwX .
        chmod 0600 secret spec.yaml x/spec.yaml' - "$CANARY" "$SECRET"
    layer a/left4dead2/cfg/server.cfg <<<'hostname a'
    layer a/own <<<own
    "$SOURCE/tests/standin/install" "$BATS_FILE_TMPDIR/installation" "$BUILD/tests/standin/srcds_linux"
    # shellcheck disable=SC2016
    tar -C "$BATS_FILE_TMPDIR/installation" -c . | lab_run sh -euc '
        find "$1" -mindepth 1 -delete; tar -C "$1" -x --no-same-owner' - "$ROOT/installation"
    lab_run chown -R left4me:left4me "$ROOT/overlays/a" "$ROOT/installation"
    spec x <<'END'
port: 27015
ready: started
config: [standin_leave 0]
overlays:
  - path: a
    alias: a
END
    reload
    lab_run sh -euc 'rm -rf /root/good; mkdir /root/good; cd "$1"
        cp -a --parents instances/x overlays/a installation /root/good' - "$ROOT"
    # What a first start makes, of /run and /var/tmp, is there then.
    start x
    stop x
}

# All that is none of the instance's: by place, kind, owner, mode, size and the time of its last change.
hostile_manifest() {
    lab_run sh -c 'find / -xdev \( -path /var/log -o -path /var/tmp -o -path /tmp -o -path /dev -o -path /run \) -prune -o \
            -printf "%p %i %y %m %U:%G %s %C@ %l\n"
        find "$1" -maxdepth 1 -printf "%p %y %m %U:%G %l\n"
        find "$2" -printf "%p %i %y %m %U:%G %s %C@ %l\n"
        find "$2" -type f -exec sha256sum {} +
        cut -d" " -f4,5,9- /proc/self/mountinfo | grep -v systemd/' - "$ROOT" "$CANARY" | sort
}

# Two of them: in the second one's mount namespace, as in one that a user may make, merged is no
# mount point, and so can be renamed.
hostile_begin() {
    hostile_manifest >"$BATS_TEST_TMPDIR/before"
    local seed=${HOSTILE_SEED:-$RANDOM} wrapper
    printf 'seed: %s\n' "$seed"
    # shellcheck disable=SC2016
    for wrapper in '' 'unshare --mount --propagation private'; do
        # shellcheck disable=SC2086
        lab_run systemd-run --quiet --collect --unit="hostile-${wrapper%% *}" $wrapper \
            setpriv --reuid left4me --regid left4me --init-groups \
            /usr/local/bin/hostile "$((seed += 1))" "$CANARY" "${HOSTILE_PATHS[@]}"
    done
}

hostile_end() {
    lab_run systemctl stop hostile- hostile-unshare
}

# hostile_rounds N: prints what became of the starts, and each of these that took too long or mounted
# something elsewhere.
hostile_rounds() {
    run -0 lab_run bash -c '
        unit=left4me-server@x runtime=/var/lib/left4me/runtime/x
        started=0 refused=0 cleaned=0
        cd /var/lib/left4me
        ask() {
            timeout --signal=KILL 100 systemctl "$@" 2>/dev/null
            local status=$?
            ((status != 137)) || echo "hangs: $*"
            return "$status"
        }
        for ((i = 0; i < $1; i++)); do
            if ask start "$unit"; then
                started=$((started + 1))
            else
                refused=$((refused + 1))
            fi
            awk -v in_it="$runtime/" "/ - overlay left4me-x / && index(\$5, in_it) != 1 { print \"outside:\", \$5 }" \
                /proc/self/mountinfo
            ask stop "$unit" || echo "not stopped"
            ask reset-failed "$unit"
            ((i % 3)) || ! ask clean --what=state "$unit" || cleaned=$((cleaned + 1))
            # What was lost in the fray is put back, while nobody is at it.
            if ((i % 5 == 4)); then
                systemctl kill --signal=STOP hostile- hostile-unshare
                rm -rf instances/x overlays/a installation/* installation/.evil*
                cp -a /root/good/instances /root/good/overlays /root/good/installation .
                systemctl kill --signal=CONT hostile- hostile-unshare
            fi
            ((i % 10)) || ask daemon-reload || echo "not reloaded"
        done
        echo "started $started refused $refused cleaned $cleaned"' - "$1"
}

# Prints what it found, and fails then.
hostile_verdict() {
    local found=0
    hostile_manifest >"$BATS_TEST_TMPDIR/after"
    diff -u "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after" || found=1
    if { "$LAB" journal "$LAB_ID" --output=export; lab_kmsg; } | grep -aF "$SECRET"; then
        found=1
    fi
    # shellcheck disable=SC2016
    if lab_run sh -c 'cd "$1"; grep -rlF "$2" runtime instances overlays installation \
        /run/systemd/generator* /run/left4me-overlay' - "$ROOT" "$SECRET"; then
        found=1
    fi
    return "$found"
}
