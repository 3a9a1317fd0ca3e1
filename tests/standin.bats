#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The stand-in game server behaves as the real one is known to. A client that was written elsewhere,
# quakestat, keeps it honest.

load lib/common.bash

setup_file() {
    require quakestat
    require_built tests/standin/srcds_linux
    export SRCDS_LINUX=$BUILD/tests/standin/srcds_linux
}

setup() {
    export HOME=$BATS_TEST_TMPDIR/installation
    game=$HOME/left4dead2
    log=$game/logs/standin.log
    # Not the ports of a real server, nor those of another test of this file.
    port=$((31000 + BATS_TEST_NUMBER * 20))
    ports=(-norestart +hostport "$port" -clientport $((port + 5)) +tv_port $((port + 10)))
    pid=
    input=/dev/null
    "$BATS_TEST_DIRNAME/standin/install" "$HOME"
}

teardown() {
    [[ -z $pid ]] || kill_server "$pid"
}

# Waits for it too, or else the shell would report its end.
kill_server() {
    kill -KILL "$1"
    wait "$1" || :
} 2>/dev/null

# serve ARGUMENT…: starts a server in the background and waits until its log has the line "ready".
serve() {
    launch "$@"
    wait_for_line ready
}

launch() {
    "$HOME/srcds_run" -game left4dead2 "${ports[@]}" -ip 127.0.0.1 "$@" \
        <"$input" >"$BATS_TEST_TMPDIR/stdout" 2>&1 3>&- &
    pid=$!
}

wait_for_line() {
    local i
    for ((i = 0; i < 100; i++)); do
        if grep -qsxF -e "$1" "$log"; then
            return
        fi
        sleep 0.05
    done
    cat "$BATS_TEST_TMPDIR/stdout"
    fail "the log has no line '$1'"
}

# Its time-out counts changes of the clock's second: one may come at once.
query() {
    quakestat -timeout 2 -retry 3 "$@" -xml -a2s "127.0.0.1:$port"
}

# assert_ends STATUS: the server ends, with this status.
assert_ends() {
    local status=0
    wait "$pid" || status=$?
    pid=
    assert_equal "$status" "$1"
}

seconds_since() {
    printf '%d' $(((${EPOCHREALTIME/[.,]/} - $1) / 1000000))
}

@test "quakestat sees the server up, by the hostname of its server.cfg and the map asked for" {
    echo 'hostname "versus #1" // not this' >"$game/cfg/server.cfg"
    serve +map c2m1_highway
    run -0 query
    assert_output --partial 'status="UP"'
    assert_output --partial '<name>versus #1</name>'
    assert_output --partial '<map>c2m1_highway</map>'
    assert_output --partial '<gametype>left4dead2</gametype>'
    run -0 query -P
    assert_output --partial '<players>'
}

@test "an info query without the challenge gets a challenge and nothing else" {
    serve
    run -0 timeout 5 bash -c '
        exec 4<>/dev/udp/127.0.0.1/'"$port"'
        printf "\xff\xff\xff\xffTSource Engine Query\0" >&4
        dd bs=1400 count=1 status=none <&4 | od -An -tx1'
    assert_output --regexp '^ ff ff ff ff 41( [0-9a-f]{2}){4}$'
}

@test "the game port is taken by UDP and TCP" {
    serve
    run -0 cat "$log"
    assert_line "bound udp 127.0.0.1:$port (game)"
    assert_line "bound tcp 127.0.0.1:$port (game)"
    run -0 bash -c "exec 4<>/dev/tcp/127.0.0.1/$port"
}

@test "a second server takes the next free client and SourceTV ports" {
    serve
    local first=$pid
    : >"$log"
    serve +hostport $((port + 1))
    run -0 cat "$log"
    kill_server "$first"
    assert_line "bound udp 127.0.0.1:$((port + 1)) (game)"
    assert_line "bound udp 127.0.0.1:$((port + 6)) (client)"
    assert_line "bound udp 127.0.0.1:$((port + 11)) (tv)"
}

@test "with -strictportbind a port that is taken ends the server" {
    serve
    local first=$pid
    launch +hostport $((port + 1)) -strictportbind
    assert_ends 1
    pid=$first
    run -0 grep "bind udp 127.0.0.1:$((port + 5)) (client): failed" "$log"
}

@test "srcds_run leaves its own arguments verbatim, and splits and globs them for the server" {
    serve '+say  "a b"' '*.txt' '' 'ä$HOME\'
    run -0 tail -n 4 "$game/logs/srcds_run.argv"
    assert_output 'argv[12]=+say  "a b"
argv[13]=*.txt
argv[14]=
argv[15]=ä$HOME\'
    touch "$HOME/one.txt" "$HOME/two.txt"
    kill_server "$pid"
    : >"$log"
    serve '+say  "a b"' '*.txt' '' 'ä$HOME\'
    run -0 sed -n '/^argv\[11\]/,/^env/p' "$log"
    assert_output 'argv[11]=127.0.0.1
argv[12]=+say
argv[13]="a
argv[14]=b"
argv[15]=one.txt
argv[16]=two.txt
argv[17]=ä$HOME\
env HOME='"$HOME"
}

@test "with -norestart the server takes the place of srcds_run" {
    serve
    run -0 cat "/proc/$pid/comm"
    assert_output srcds_linux
    run -0 grep -c "^start pid=$pid\$" "$log"
    assert_output 1
}

@test "without -norestart srcds_run hides a crash, and starts the server again 10 s later" {
    ports[0]=-nohltv
    serve -standin_crash 0.1
    wait_for_line crash
    sleep 0.5
    run -0 kill -0 "$pid"
    run -0 cat "$BATS_TEST_TMPDIR/stdout"
    assert_output --partial 'Server restart in 10 seconds'
}

@test "cfg files are executed as far as they go, and all of their lines are logged" {
    printf 'hostname x; exec a\nexec missing\nexec ../server\n' >"$game/cfg/server.cfg"
    printf 'rcon_password secret\nexec a\n' >"$game/cfg/a.cfg"
    serve
    run -0 cat "$log"
    assert_line 'cfg[server.cfg:1]=hostname x; exec a'
    assert_line 'cfg[a.cfg:1]=rcon_password secret'
    assert_line 'exec missing.cfg: failed: No such file or directory'
    assert_line 'exec ../server.cfg: failed: not below cfg'
    assert_line 'exec a.cfg: failed: too deep'
    run -0 cat "$BATS_TEST_TMPDIR/stdout"
    assert_line 'cfg[a.cfg:1]=rcon_password ********'
    refute_output --partial secret
}

@test "it looks for steamclient.so, resolves a name, and writes a demo" {
    serve
    run -0 cat "$log"
    assert_line "steamclient $HOME/.steam/sdk32/steamclient.so: found"
    assert_line --regexp '^resolve localhost: .*(127\.0\.0\.1|::1)'
    run -0 cat "$game/standin.dem"
    assert_output 'HL2DEMO begin'
}

@test "what is missing is said and stops nothing" {
    rm "$HOME/.steam/sdk32/steamclient.so" "$game/cfg/server.cfg"
    export STANDIN_RESOLVE=name.invalid
    serve
    run -0 cat "$log"
    assert_line "steamclient $HOME/.steam/sdk32/steamclient.so: missing"
    assert_line --partial 'resolve name.invalid: failed: '
    assert_line 'exec server.cfg: failed: No such file or directory'
}

@test "SIGINT makes it leave in order, after a moment" {
    serve
    local begin=${EPOCHREALTIME/[.,]/}
    kill -INT "$pid"
    assert_ends 0
    (($(seconds_since "$begin") >= 1))
    run -0 tail -n 3 "$log"
    assert_output $'sigint\nleaving\nleft'
}

@test "the time it needs to leave can be set" {
    serve -standin_leave 2.2
    local begin=${EPOCHREALTIME/[.,]/}
    kill -INT "$pid"
    assert_ends 0
    (($(seconds_since "$begin") >= 2))
}

@test "it can crash, by itself and upon SIGINT" {
    echo 'standin_crash 0.2' >>"$game/cfg/server.cfg"
    serve
    assert_ends 139
    : >"$log"
    echo 'standin_crash_on_sigint 1; standin_leave 0' >"$game/cfg/server.cfg"
    serve
    kill -INT "$pid"
    assert_ends 139
}

@test "it can exit by itself, with status 0" {
    STANDIN_EXIT=0.2 serve
    assert_ends 0
    run -0 tail -n 1 "$log"
    assert_output exit
}

@test "it can hang: alive, and deaf to queries and SIGINT" {
    serve +standin_hang 0.1
    wait_for_line hang
    run -0 query
    refute_output --partial 'status="UP"'
    kill -INT "$pid"
    sleep 0.3
    run -0 kill -0 "$pid"
}

@test "it can ignore SIGINT and go on answering" {
    serve -standin_ignore_sigint 1
    kill -INT "$pid"
    wait_for_line 'sigint, ignored'
    run -0 query
    assert_output --partial 'status="UP"'
}

@test "it can load slowly, and leave while it loads" {
    launch -standin_slow 60 -standin_leave 0
    wait_for_line 'resolve localhost: 127.0.0.1'
    run -0 query
    refute_output --partial 'status="UP"'
    kill -INT "$pid"
    assert_ends 0
    run -1 grep -x ready "$log"
}

# answers FORMAT: what the server sends, in hexadecimal, to a request that printf makes of FORMAT.
answers() {
    timeout 5 bash -c '
        exec 4<>"/dev/udp/127.0.0.1/$1"
        printf "$2" >&4
        dd bs=1400 count=1 status=none <&4 | od -An -v -tx1 | tr -d " \n"' - "$port" "$1"
}

@test "it can have players, whose names are odd" {
    serve -standin_players 3 -maxplayers 8
    run -0 query -P
    assert_output --partial '<numplayers>3</numplayers>'
    assert_output --partial '<maxplayers>8</maxplayers>'
    assert_output --partial '<name>Coach</name>'
    assert_output --partial '<score>-5</score>'
}

@test "it can change the challenge that it wants" {
    serve -standin_challenge_rotate 2
    run -0 query
    assert_output --partial 'status="UP"'
}

@test "it can split answers, in order or in a mess" {
    serve -standin_players 8 -standin_split 200
    # quakestat knows it for players alone; gamedig knows both, see query.bats.
    run -0 query -P
    assert_output --partial '<name>Coach</name>'
    kill_server "$pid"
    : >"$log"
    serve -standin_split 5 -standin_split_mess 1
    # The challenge is split too: its second part comes first.
    run -0 answers '\xff\xff\xff\xffU\xff\xff\xff\xff'
    assert_output --regexp '^feffffff010000000201e004[0-9a-f]{8}$'
}

@test "it can answer from another port or address" {
    serve -standin_wrong_source port
    run -124 timeout 1 bash -c '
        exec 4<>/dev/udp/127.0.0.1/'"$port"'
        printf "\xff\xff\xff\xffTSource Engine Query\0" >&4
        dd bs=1400 count=1 status=none <&4'
    kill_server "$pid"
    : >"$log"
    serve -standin_wrong_source 127.0.0.9
    run -0 ss -Hlun "src 127.0.0.9 and sport = :$port"
    assert_line --partial "127.0.0.9:$port"
}

@test "it does what lines on its standard input say, and goes on when there are no more" {
    input=$BATS_TEST_TMPDIR/input
    printf '%s\n' status 'say hello  there' nonsense "echo $(printf 'x%.0s' {1..300})" >"$input"
    serve
    wait_for_line 'console: end'
    run -0 cat "$BATS_TEST_TMPDIR/stdout"
    assert_line 'map     : c1m1_hotel'
    assert_line 'Console: hello  there'
    assert_line 'Unknown command "nonsense"'
    assert_line --regexp '^x{249}$'
    run -0 query
    assert_output --partial 'status="UP"'
}

@test "it leaves in order when its standard input says quit" {
    input=$BATS_TEST_TMPDIR/input
    printf '%s\n' 'say bye' quit >"$input"
    launch -standin_leave 0
    assert_ends 0
    run -0 tail -n 4 "$log"
    assert_output $'console=say bye\nconsole=quit\nleaving\nleft'
}
