# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Starts, stops and reloads of systemd at the same time: "load lib/left4me.bash" first.

# races SECONDS: four processes start and stop an instance each, two reload systemd, and a fifth instance
# runs all the while. Prints how many there were; a start, stop or reload that fails, or does not have
# the state that it was for, is printed with the unit's status, and fails it.
races() {
    local name
    for name in r{1..5}; do
        spec "$name" <<<"port: 2720${name#r}"$'\nconfig: [standin_leave 0]'
    done
    reload
    start r5
    lab_run bash -c '
        end=$((SECONDS + $1)) dir=$(mktemp -d) status=0
        fail() {
            printf "%s\n" "-- $1: $2" "$(systemctl status --full --no-pager --lines=30 "$1" 2>&1)" >>"$dir/failed"
        }
        rounds() {
            local unit=left4me-server@$1 n=0 said
            while ((SECONDS < end)); do
                said=$(systemctl start "$unit" 2>&1) || fail "$unit" "start: $said"
                said=$(systemctl is-active "$unit") || fail "$unit" "started, but is $said"
                said=$(systemctl stop "$unit" 2>&1) || fail "$unit" "stop: $said"
                said=$(systemctl is-active "$unit") && fail "$unit" "stopped, but is $said"
                [[ $said == inactive ]] || fail "$unit" "stopped, but is $said"
                n=$((n + 1))
            done
            echo "$1: $n rounds" >>"$dir/done"
        }
        reloads() {
            local n=0 said
            while ((SECONDS < end)); do
                said=$(systemctl daemon-reload 2>&1) || fail left4me-load.service "daemon-reload: $said"
                n=$((n + 1))
            done
            echo "reloads: $n" >>"$dir/done"
        }
        for name in r1 r2 r3 r4; do
            rounds "$name" &
        done
        reloads &
        reloads &
        wait
        cat "$dir/done"
        ! cat "$dir/failed" 2>/dev/null' - "$1"
}

# That nothing is left of those that were stopped, and nothing happened to the one that ran.
assert_whole_after_races() {
    local name
    for name in r{1..4}; do
        run -0 mounts "$name"
        assert_output 0
    done
    wait_answer 27205
    run -0 property r5 NRestarts
    assert_output 0
    run -0 mounts r5
    assert_output 1
    run -0 lab_run systemctl list-units --failed --no-legend
    assert_output ''
}
