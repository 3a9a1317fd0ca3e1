#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The main path: a spec in place, a daemon-reload, a start; a game server that runs on a tree of its
# own; a stop.

# bats file_tags=booted,root

load lib/left4me.bash

setup_file() {
    machine_boot

    # Installation, two layers, and what each instance shall see of them.
    layer competitive/left4dead2/cfg/server.cfg <<<'hostname "of competitive"'
    layer competitive/left4dead2/addons/which <<<competitive
    layer maps/left4dead2/addons/which <<<maps
    layer maps/left4dead2/maps/c9m9.bsp <<<'a map'
    lab_put -m 0644 "$ROOT/installation/left4dead2/addons/which" <<<installation

    spec one <<'END'
port: 27015
description: One, 100% "quoted" 'ünïcödé' $HOME %n
arguments:
  - -tickrate 100
  - '+say "two words"'
  - it\'s
  - 'a\\b \"c\" %h 100% $HOME ${HOME} $$'
  - +map c9m9
  - grüße-€
config:
  - hostname "server one"
  - rcon_password hunter2
  - exec server_comp
overlays:
  - path: competitive
    alias: comp
  - maps
END
    spec two <<'END'
port: 27016
config: |
  hostname "server two"
  exec server_second
overlays:
  - maps
  - path: competitive
    alias: second
END
    spec rounds <<<$'port: 27017\nconfig: [standin_leave 0]'
    reload
    start one two
    wait_answer 27015 27016
}

teardown_file() {
    lab_destroy
}

# --- Two at once ------------------------------------------------------------------------------

@test "two instances run at once on one installation, each on its own port" {
    run -0 answer 27015
    assert_output --partial '<map>c9m9</map>'
    run -0 answer 27016
    assert_output --partial '<map>c1m1_hotel</map>'
    run -0 lab_run systemctl is-active left4me-server@one left4me-server@two
}

@test "each executes its own server.cfg, and the alias of its own layers" {
    run -0 upper one logs/standin.log
    assert_line 'cfg[server.cfg:1]=hostname "server one"'
    assert_line 'cfg[server.cfg:2]=rcon_password hunter2'
    assert_line 'cfg[server_comp.cfg:1]=hostname "of competitive"'
    refute_output --partial 'server two'
    run -0 upper two logs/standin.log
    assert_line 'cfg[server.cfg:1]=hostname "server two"'
    assert_line 'cfg[server_second.cfg:1]=hostname "of competitive"'
    refute_output --partial 'server one'
}

@test "each sees its layers in the order of its spec, over the installation" {
    run -0 lab_run cat "$ROOT"/runtime/{one,two}/merged/left4dead2/addons/which
    assert_output $'competitive\nmaps'
    run -0 lab_run cat "$ROOT/runtime/one/merged/left4dead2/maps/c9m9.bsp" \
        "$ROOT/runtime/one/merged/left4dead2/gameinfo.txt"
    assert_output $'a map\ngame "Left 4 Dead 2"'
}

@test "neither sees what the other wrote, nor the other at all" {
    local one
    one=$(property one MainPID)
    lab_run touch "$ROOT/runtime/two/merged/left4dead2/of-two"
    run -1 lab_run test -e "$ROOT/runtime/one/merged/left4dead2/of-two"
    # As the game of instance one sees it.
    run -0 lab_run ls "/proc/$one/root$ROOT" "/proc/$one/root$ROOT/runtime" \
        "/proc/$one/root$ROOT/instances"
    assert_output "/proc/$one/root$ROOT:
instances
overlays
runtime

/proc/$one/root$ROOT/instances:
one

/proc/$one/root$ROOT/runtime:
one"
}

@test "the argument vector is the contract's, to the byte" {
    run -0 upper one logs/srcds_run.argv
    assert_output "argv[0]=$ROOT/runtime/one/merged/srcds_run"'
argv[1]=-game
argv[2]=left4dead2
argv[3]=-norestart
argv[4]=+hostport
argv[5]=27015
argv[6]=-tickrate
argv[7]=100
argv[8]=+say
argv[9]=two words
argv[10]=it'\''s
argv[11]=a\b
argv[12]="c"
argv[13]=%h
argv[14]=100%
argv[15]=$HOME
argv[16]=${HOME}
argv[17]=$$
argv[18]=+map
argv[19]=c9m9
argv[20]=grüße-€'
    run -0 upper two logs/srcds_run.argv
    assert_output "argv[0]=$ROOT/runtime/two/merged/srcds_run
argv[1]=-game
argv[2]=left4dead2
argv[3]=-norestart
argv[4]=+hostport
argv[5]=27016"
}

@test "the description is the spec's, to the byte" {
    run -0 property one Description
    assert_output $'One, 100% "quoted" \'ünïcödé\' $HOME %n'
    run -0 property two Description
    assert_output 'Left 4 Dead 2 server two'
}

@test "client and SourceTV ports that another server has do not stop a server" {
    run -0 sh -c 'cat' < <(upper one logs/standin.log; upper two logs/standin.log)
    assert_line 'bound udp 0.0.0.0:27005 (client)'
    assert_line 'bound udp 0.0.0.0:27006 (client)'
    assert_line 'bound udp 0.0.0.0:27020 (tv)'
    assert_line 'bound udp 0.0.0.0:27021 (tv)'
}

@test "HOME is the merged tree, where steamclient.so is found" {
    run -0 upper one logs/standin.log
    assert_line "env HOME=$ROOT/runtime/one/merged"
    assert_line "steamclient $ROOT/runtime/one/merged/.steam/sdk32/steamclient.so: found"
}

@test "a secret of config is in no drop-in, journal, argument vector or environment" {
    run -0 lab_run systemctl cat left4me-server@one
    refute_output --partial hunter2
    run -0 "$LAB" journal "$LAB_ID" --output=export
    assert_output --partial 'rcon_password ********'
    refute_output --partial hunter2
    run -0 lab_kmsg
    refute_output --partial hunter2
    # One argument alone, or grep would find itself.
    run lab_run sh -c 'grep -las "hunter[2]" /proc/[0-9]*/cmdline /proc/[0-9]*/environ'
    assert_output ''
}

@test "limits and place of the unit are those that the game needs" {
    run -0 lab_run systemctl show left4me-server@one --property=Slice --property=MemoryHigh \
        --property=MemoryMax --property=TasksMax --property=LimitNPROC --property=LimitNOFILE --property=OOMScoreAdjust \
        --property=Nice --property=TimeoutStopUSec --property=TimeoutAbortUSec --property=KillSignal --property=RestartUSec \
        --property=StartLimitIntervalUSec --property=StartLimitBurst --property=UMask
    assert_line Slice=left4me-game.slice
    assert_line MemoryHigh=1610612736
    assert_line MemoryMax=2147483648
    assert_line TasksMax=256
    assert_line LimitNPROC=224
    assert_line LimitNOFILE=65536
    assert_line OOMScoreAdjust=-200
    assert_line Nice=-5
    assert_line TimeoutStopUSec=3min
    assert_line TimeoutAbortUSec=15s
    assert_line KillSignal=2
    assert_line RestartUSec=5s
    assert_line StartLimitIntervalUSec=5min
    assert_line StartLimitBurst=10
    assert_line UMask=0027
    run -0 lab_run awk '{print $19}' "/proc/$(property one MainPID)/stat"
    assert_output -5
}

@test "systemd-analyze finds the exposure of the unit to be 1.6 or less" {
    run -0 lab_run systemd-analyze security --no-pager left4me-server@one.service
    local exposure
    exposure=$(sed -nE 's/.*Overall exposure level for .*: ([0-9.]+) .*/\1/p' <<<"$output")
    printf 'exposure: %s\n' "$exposure"
    run -0 awk -v e="$exposure" 'BEGIN { exit !(e != "" && e <= 1.6) }'
}

# --- Stop and restart -------------------------------------------------------------------------

@test "a stop lets the server leave, and unmounts; a start mounts once" {
    stop two
    run -0 upper two logs/standin.log
    assert_equal "${lines[-1]}" left
    run -0 mounts two
    assert_output 0
    run -0 mounts one
    assert_output 1

    start two
    wait_answer 27016
    run -0 mounts two
    assert_output 1
}

@test "what the game wrote survives stop and start, but for server*.cfg" {
    lab_run sh -euc 'cd "$1"; touch demo.dem cfg/server_mine.cfg cfg/mine.cfg' - \
        "$ROOT/runtime/two/merged/left4dead2"
    stop two
    start two
    run -0 lab_run sh -c 'cd "$1"; ls demo.dem cfg' - "$ROOT/runtime/two/upper/left4dead2"
    assert_output $'demo.dem\n\ncfg:\nmine.cfg\nserver.cfg\nserver_second.cfg'
    wait_answer 27016
}

@test "a server that is killed is started again, on a fresh mount with none below" {
    policy <<<$'[Service]\nRestartSec=15'
    lab_run systemctl kill --kill-whom=main --signal=KILL left4me-server@two
    lab_wait_for 12 sh -c '! grep -F "$1" /proc/self/mountinfo' - "$ROOT/runtime/two/merged"
    run -0 property two SubState
    assert_output auto-restart
    lab_wait_for 60 sh -c '[ "$(systemctl show --value -p NRestarts "$1")" -ge 1 ]' - "$(unit two)"
    policy <<<''
    wait_answer 27016
    run -0 mounts two
    assert_output 1
}

@test "a server that exits 0 by itself is started again too" {
    spec quits <<<$'port: 27018\nready: started\nconfig: [standin_exit 0.3]'
    policy <<<$'[Service]\nRestartSec=100ms'
    start quits
    lab_wait_for 15 sh -c '[ "$(systemctl show --value -p NRestarts "$1")" -ge 2 ]' - "$(unit quits)"
    stop quits
    policy <<<''
}

@test "a requested stop that ends in SIGSEGV is a stop, not a failure" {
    spec segv <<<$'port: 27018\nconfig: [standin_crash_on_sigint 1, standin_leave 0]'
    reload
    start segv
    wait_answer 27018
    stop segv
    run -3 lab_run systemctl is-active left4me-server@segv
    assert_output inactive
    run -0 property segv Result
    assert_output success
}

# ExecStopPost= waits for longer than the game may take, as it does when many stop at once.
@test "a server that ignores SIGINT is killed when its time is over, and unmounted" {
    spec stubborn <<<$'port: 27018\nconfig: [standin_ignore_sigint 1]'
    policy <<END
[Service]
Environment=L4D2_STOP_TIMEOUT=1s
ExecStopPost=
ExecStopPost=sleep 16
ExecStopPost=+/usr/libexec/left4me/left4me-overlay umount %i
END
    start stubborn
    wait_answer 27018
    stop stubborn
    run -0 property stubborn Result
    assert_output signal
    run -0 property stubborn StatusText
    assert_output 'killed: it did not end in 1 s'
    run -0 mounts stubborn
    assert_output 0
    lab_run systemctl reset-failed left4me-server@stubborn
    policy <<<''
}

@test "a server that crashes after each start is given up; six restarts by hand are not" {
    spec crashes <<<$'port: 27018\nready: started\nconfig: [standin_crash 0]'
    policy <<<$'[Service]\nRestartSec=50ms'
    start crashes
    lab_wait_for 30 sh -c '[ "$(systemctl is-failed "$1")" = failed ]' - "$(unit crashes)"
    run -0 property crashes NRestarts
    assert_output 10
    run -0 lab_journal "$(unit crashes)"
    assert_output --partial 'Start request repeated too quickly'
    policy <<<''

    local i
    for ((i = 0; i < 6; i++)); do
        lab_run systemctl restart left4me-server@rounds
    done
    stop rounds
}

@test "a stop waits for a server that needs 3 s to leave, 20 of 20 times" {
    local -a names=(leave{1..10})
    local name round i
    for ((i = 0; i < 10; i++)); do
        spec "${names[i]}" <<END
port: $((27100 + i))
arguments: [+tv_port $((27200 + i))]
config: [standin_leave 3]
END
    done
    reload
    for round in 1 2; do
        start "${names[@]}"
        wait_answer {27100..27109}
        stop "${names[@]}"
        for name in "${names[@]}"; do
            run -0 upper "$name" logs/standin.log
            assert_equal "$(grep -cx left <<<"$output")" "$round"
            run -0 property "$name" Result
            assert_output success
        done
    done
}

# --- Nothing stays behind ---------------------------------------------------------------------

# What could: mounts, processes of the game's user, files of the instance.
traces() {
    lab_run sh -c '
        grep -F "runtime/$1/" /proc/self/mountinfo
        pgrep -a -f "runtime/$1/"
        pgrep -a left4me-
        cd /var/lib/left4me && find instances/"$1" runtime/"$1" | sort
        ls /sys/fs/cgroup/left4me.slice/left4me-game.slice | grep "@$1" | sort
        :' - "$1"
}

@test "50 rounds of start and stop leave nothing that was not there after the first" {
    policy <<<$'[Unit]\nStartLimitIntervalSec=0'
    start rounds
    stop rounds
    local after_first i
    after_first=$(traces rounds)
    lab_run sh -euc 'for i in $(seq 49); do
        systemctl start left4me-server@rounds
        systemctl stop left4me-server@rounds
    done'
    run -0 traces rounds
    assert_output "$after_first"
    run -0 upper rounds logs/standin.log
    policy <<<''
}

@test "clean removes the runtime directory whole, and the next start makes it anew" {
    start rounds
    run -1 lab_run systemctl clean --what=state left4me-server@rounds
    assert_output --partial 'not inactive'
    stop rounds
    lab_run systemctl clean --what=state left4me-server@rounds
    run -2 lab_run ls "$ROOT/runtime/rounds"
    run -0 lab_run ls "$ROOT/instances/rounds"
    assert_output spec.yaml
    start rounds
    wait_answer 27017
    run -0 lab_run stat -c '%a %U:%G' "$ROOT/runtime/rounds"
    assert_output '750 left4me:left4me'
    stop rounds
}

@test "stopping left4me-servers.target stops all servers of the host" {
    lab_run systemctl stop left4me-servers.target
    # The target is down at once; the servers take their time to leave.
    lab_wait_for 10 sh -c '! grep -F "$1" /proc/self/mountinfo' - " $ROOT/"
    run -0 lab_run systemctl list-units 'left4me-server@*' --state=active,activating --no-legend
    assert_output ''
}
