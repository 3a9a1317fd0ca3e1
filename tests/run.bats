#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4me-run by hand, with a socket in systemd's place. tests/live.bats has it in its unit.

# run --separate-stderr sets stderr.
# shellcheck disable=SC2154
load lib/common.bash

setup_file() {
    require python3
    require_built left4me-run tests/standin/srcds_linux
}

setup() {
    export HOME=$BATS_TEST_TMPDIR/installation
    # Not the ports of another test file.
    port=$((33000 + BATS_TEST_NUMBER * 20))
    export L4D2_PORT=$port L4D2_ARGS=
    game=("$HOME/srcds_run" -game left4dead2 -norestart +hostport "$port"
        -clientport $((port + 5)) +tv_port $((port + 10)) -ip 127.0.0.1)
}

install_game() {
    "$BATS_TEST_DIRNAME/standin/install" "$HOME" "$BUILD/tests/standin/srcds_linux"
}

# Until the game answers.
wait_ready() {
    until grep -qsx ready "$HOME/left4dead2/logs/standin.log"; do
        sleep 0.05
    done
}

# run_until WORD SIGNAL: runs the game under left4me-run, prints what it tells systemd, a line each,
# sends it SIGNAL when WORD was in what it told, and prints how it ended. It is killed after a minute.
run_until() {
    python3 - "$BATS_TEST_TMPDIR/notify" "$1" "$2" "$BUILD/left4me-run" "${game[@]}" <<'END'
import os, signal, socket, subprocess, sys, threading
path, word, number, *command = sys.argv[1:]
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(path)
sock.settimeout(0.1)
process = subprocess.Popen(command, env={**os.environ, "NOTIFY_SOCKET": path},
                           stdout=subprocess.DEVNULL)
limit = threading.Timer(60, process.kill)
limit.daemon = True
limit.start()
while True:
    ended = process.poll() is not None
    try:
        told = sock.recv(4096).decode()
    except TimeoutError:
        if ended:
            break
        continue
    print(told, flush=True)
    if word in told:
        process.send_signal(getattr(signal, number))
        word = "\0"
print("status", process.returncode)
END
}

@test "it ends as the game ended, with its status" {
    run -0 "$BUILD/left4me-run" /bin/sh -c 'exit 0'
    run -7 "$BUILD/left4me-run" /bin/sh -c 'exit 7'
}

@test "it ends as the game ended, of its signal" {
    # 128 and the number of the signal, as bash has it.
    run -139 "$BUILD/left4me-run" /bin/sh -c 'kill -SEGV $$'
    run -137 "$BUILD/left4me-run" /bin/sh -c 'kill -KILL $$'
    run -143 "$BUILD/left4me-run" /bin/sh -c 'kill -TERM $$'
}

@test "what its own parent had ignored does not change how it ends" {
    run -7 timeout --signal=KILL 20 env --ignore-signal=CHLD "$BUILD/left4me-run" /bin/sh -c 'exit 7'
    # The game has set it back; 141 as a status would be another end to systemd.
    run -0 python3 - "$BUILD/left4me-run" <<'END'
import signal, subprocess, sys
signal.signal(signal.SIGPIPE, signal.SIG_IGN)
game = "import os, signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.kill(os.getpid(), 13)"
print(subprocess.run([sys.argv[1], sys.executable, "-c", game], restore_signals=False,
                     stderr=subprocess.DEVNULL).returncode)
END
    assert_output -- -13
}

@test "a game that crashes on its way out below a shell has stopped, too" {
    cat >"$BATS_TEST_TMPDIR/wrapper" <<'END'
#!/bin/sh
trap : INT
python3 -c 'import os, signal
signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
print("up", flush=True)
signal.pause()'
exit $?
END
    chmod +x "$BATS_TEST_TMPDIR/wrapper"
    "$BUILD/left4me-run" "$BATS_TEST_TMPDIR/wrapper" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$!
    until grep -qx up "$BATS_TEST_TMPDIR/out"; do
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid"
    run -0 cat "$BATS_TEST_TMPDIR/err"
    assert_output --partial 'the game crashed (SIGSEGV) on its way out, after the stop'
}

@test "an end that nobody asked for is told, and whether there was an answer" {
    run -0 --separate-stderr "$BUILD/left4me-run" /bin/sh -c 'exit 0'
    assert_equal "$stderr" 'left4me-run: the game ended with status 0 before it answered'
    run -139 --separate-stderr "$BUILD/left4me-run" /bin/sh -c 'kill -SEGV $$'
    assert_equal "$stderr" 'left4me-run: the game ended of signal 11 (Segmentation fault) before it answered'
    L4D2_READY=started run -0 --separate-stderr "$BUILD/left4me-run" /bin/sh -c 'exit 0'
    assert_equal "$stderr" 'left4me-run: the game ended with status 0, by itself'
}

@test "standard streams are the game's" {
    export L4D2_READY=started
    run -0 --separate-stderr "$BUILD/left4me-run" /bin/sh -c 'read -r line; echo "out $line"; echo err >&2' \
        <<<in
    assert_output 'out in'
    assert_equal "${stderr%%$'\n'*}" err
}

@test "the game does not get the socket of systemd, and gets the signal mask that there was" {
    export NOTIFY_SOCKET=$BATS_TEST_TMPDIR/none
    run -0 "$BUILD/left4me-run" /bin/sh -c 'env | grep NOTIFY; grep -E "Sig(Blk|Cgt|Ign)" /proc/self/status'
    mine=$(grep -E "Sig(Blk)" /proc/self/status)
    assert_line "$mine"
    refute_output --partial NOTIFY
}

@test "a command that cannot be run is the configuration's fault, and named" {
    run -78 --separate-stderr "$BUILD/left4me-run" /nonexistent/srcds_run
    assert_equal "$stderr" "left4me-run: cannot run '/nonexistent/srcds_run': No such file or directory"
    touch "$BATS_TEST_TMPDIR/file"
    run -78 --separate-stderr "$BUILD/left4me-run" "$BATS_TEST_TMPDIR/file"
    assert_equal "$stderr" "left4me-run: cannot run '$BATS_TEST_TMPDIR/file': Permission denied"
}

@test "values in the environment that are none are named, and nothing is run" {
    local pair
    for pair in L4D2_PORT=0 L4D2_PORT=65536 L4D2_PORT=1a L4D2_READY=no L4D2_READY_TIMEOUT=0 \
        L4D2_READY_TIMEOUT=1y L4D2_WATCHDOG=2s L4D2_WATCHDOG=on; do
        run -78 --separate-stderr env "$pair" "$BUILD/left4me-run" /bin/echo run
        assert_output ''
        [[ $stderr == *"${pair%%=*}"* && $stderr == *"${pair#*=}"* ]]
    done
    run -78 --separate-stderr env -u L4D2_PORT "$BUILD/left4me-run" /bin/echo run
    assert_equal "$stderr" "left4me-run: L4D2_PORT in the environment is missing"
}

@test "usage that is wrong is told" {
    run -2 "$BUILD/left4me-run"
    assert_output "left4me-run: a command is needed; see 'left4me-run --help'"
    run -2 "$BUILD/left4me-run" --nonsense
    assert_output "left4me-run: unknown option; see 'left4me-run --help'"
}

@test "options behind the command are the command's" {
    export L4D2_READY=started
    # shellcheck disable=SC2016 # the game's shell is to expand it
    run -0 --separate-stderr "$BUILD/left4me-run" /bin/sh -c 'echo "$@"' - --help --version
    assert_output -- '--help --version'
}

@test "systemd is told what the spec wants, and what the server answers" {
    install_game
    export L4D2_WATCHDOG=8s L4D2_READY_TIMEOUT=100s STANDIN_LEAVE=0 STANDIN_PLAYERS=3
    run -0 --separate-stderr run_until WATCHDOG=1 SIGINT
    assert_output "STATUS=loading: no answer from 127.0.0.1:$port yet
EXTEND_TIMEOUT_USEC=130000000
READY=1
WATCHDOG_USEC=8000000
STATUS=c1m1_hotel, 3/4 players (1 bot), version 2.2.4.3
WATCHDOG=1
STOPPING=1
STATUS=stopping
status 0"
}

@test "a watchdog that is off is none, and a server that is to be started is so at once" {
    install_game
    export L4D2_WATCHDOG=off L4D2_READY=started STANDIN_LEAVE=0
    run -0 --separate-stderr run_until players SIGTERM
    assert_line --index 0 READY=1
    assert_line --index 1 "STATUS=started; no answer from 127.0.0.1:$port yet"
    refute_line --partial WATCHDOG_USEC
    refute_line --partial EXTEND_TIMEOUT_USEC
}

@test "nothing of an answer is a word to systemd" {
    install_game
    export STANDIN_HOSTILE=1 STANDIN_LEAVE=0
    run -0 --separate-stderr run_until players SIGINT
    assert_line 'STATUS=evil?MAINPID=1?STATUS=?[31mowned, 0/4 players, version 2.2.4.3'
    refute_line --regexp '^MAINPID'
}

@test "answers as odd as servers give them count: other challenges, parts in disorder, -ip" {
    install_game
    export L4D2_ARGS='-ip 127.0.0.9' STANDIN_LEAVE=0
    export STANDIN_CHALLENGE_ROTATE=3 STANDIN_SPLIT=60 STANDIN_SPLIT_MESS=1
    game+=(-ip 127.0.0.9)
    run -0 --separate-stderr run_until players SIGINT
    assert_line --partial 'c1m1_hotel, 0/4 players'
}

@test "a socket of IPv6 that is bound to the address of IPv4 is the game's own" {
    cat >"$BATS_TEST_TMPDIR/game.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(("::ffff:127.0.0.1", int(sys.argv[1])))
while True:
    s.sendto(b"\xff\xff\xff\xffI\x11n\0mapped\0f\0g\0\x26\2\0\4\0dl\0\0\x31\0", s.recvfrom(2000)[1])
END
    game=("$(command -v python3)" "$BATS_TEST_TMPDIR/game.py" "$port")
    export L4D2_READY_TIMEOUT=10s
    run -0 --separate-stderr run_until players SIGTERM
    assert_line --partial 'STATUS=mapped, 0/4 players'
}

@test "an answer from another port never counts" {
    install_game
    export L4D2_READY_TIMEOUT=2s STANDIN_WRONG_SOURCE=port
    run -0 --separate-stderr run_until nothing SIGINT
    assert_line --regexp "^STATUS=no answer from 127.0.0.1:$port within 2 s \(no answer, but one from 127.0.0.1:[0-9]+, which was not asked\)"
    refute_line READY=1
    assert_line 'status 1'
}

@test "of a game that never answers it is told what it did and what it has bound" {
    install_game
    export L4D2_READY_TIMEOUT=2s L4D2_PORT=$((port + 1))
    run -0 --separate-stderr run_until nothing SIGINT
    assert_line --partial '(refused: nothing has this port), and it hangs: it uses no CPU'
    [[ $stderr == *"UDP ports that it has bound: "*"$port"* ]]
}

@test "an answer of another server does not count, and it is named" {
    install_game
    local other=(env STANDIN_LEAVE=0 "${game[@]}")
    "${other[@]}" >/dev/null 2>&1 3>&- &
    local pid=$!
    wait_ready
    export L4D2_READY_TIMEOUT=3s STANDIN_LEAVE=0
    run --separate-stderr run_until nothing SIGINT
    kill -INT "$pid"
    wait "$pid" || :
    assert_line 'status 1'
    refute_line READY=1
    assert_line --partial "STATUS=another server answers at 127.0.0.1:$port: "
    [[ $stderr == *"'the cfg of the installation', "*"process $pid (srcds_linux); its answer does not count (this one has bound UDP "*$((port + 1))* ]]
}

@test "the name of a process is text in the status and nothing else" {
    install_game
    local named=$HOME/$'a\xff\\\e[1m'
    cp "$BUILD/tests/standin/srcds_linux" "$named"
    (cd "$HOME" && STANDIN_LEAVE=0 exec "$named" +hostport "$port" -ip 127.0.0.1) >/dev/null 2>&1 3>&- &
    local pid=$!
    wait_ready
    export L4D2_READY_TIMEOUT=3s STANDIN_LEAVE=0
    run --separate-stderr run_until nothing SIGINT
    kill -INT "$pid"
    wait "$pid" || :
    assert_line --regexp "^STATUS=another server answers at 127.0.0.1:$port: .*process $pid \(a\?\?\?\[1m\)\$"
    assert_line 'status 1'
}

@test "a signal reaches the game's whole process group, and once" {
    cat >"$BATS_TEST_TMPDIR/group" <<'END'
#!/bin/sh
# A parent that waits, and a child in its group.
sh -c 'trap "echo child; exit" USR1; echo up; while :; do sleep 0.05; done' &
trap 'echo parent' USR1
wait
wait
END
    chmod +x "$BATS_TEST_TMPDIR/group"
    "$BUILD/left4me-run" "$BATS_TEST_TMPDIR/group" >"$BATS_TEST_TMPDIR/out" 3>&- &
    local pid=$!
    until grep -qx up "$BATS_TEST_TMPDIR/out"; do
        sleep 0.05
    done
    kill -USR1 "$pid"
    wait "$pid"
    run -0 sort "$BATS_TEST_TMPDIR/out"
    assert_output $'child\nparent\nup'
}

@test "what the game leaves behind is killed, and what has ended is waited for" {
    install_game
    export STANDIN_DAEMON=1 STANDIN_ORPHANS=20 STANDIN_LEAVE=0
    mark=$BATS_TEST_TMPDIR
    # The daemon's working directory is the game's, which tells it from others.
    daemons() {
        find /proc -maxdepth 2 -name cwd -lname "$mark/*" 2>/dev/null || :
    }
    "$BUILD/left4me-run" "${game[@]}" >/dev/null 2>&1 3>&- &
    local pid=$!
    wait_ready
    run -0 ps --no-headers --ppid "$pid" -o stat=
    refute_line --regexp '^Z'
    run -0 daemons
    assert_output
    kill -INT "$pid"
    wait "$pid"
    run -0 daemons
    assert_output ''
}

@test "a game that does not leave upon a stop is killed when its time is over" {
    install_game
    export STANDIN_IGNORE_SIGINT=1 L4D2_STOP_TIMEOUT=1s
    run --separate-stderr run_until READY=1 SIGINT
    assert_line 'status -9'
    assert_line 'STATUS=killed: it did not end in 1 s'
    [[ $stderr == *'the game did not end in 1 s: killed it' ]]
}

@test "it has 15 s, and more signals do not give it more" {
    install_game
    export STANDIN_IGNORE_SIGINT=1
    "$BUILD/left4me-run" "${game[@]}" >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$! status=0
    wait_ready
    for ((n = 0; n < 200; n++)); do
        kill -INT "$pid" || break
        sleep 0.1
    done
    ((n < 200))
    wait "$pid" || status=$?
    assert_equal "$status" 137
    run -0 cat "$BATS_TEST_TMPDIR/err"
    assert_line --partial 'the game did not end in 15 s: killed it'
}

@test "why a start failed is told to the last, also of a game that has to be killed" {
    install_game
    export STANDIN_HANG=0 L4D2_READY_TIMEOUT=2s
    run --separate-stderr run_until nothing SIGINT
    [[ $stderr == *'the game did not end in 5 s: killed it' ]]
    assert_equal "$(grep STATUS= <<<"$output" | tail -n 1)" \
        "STATUS=no answer from 127.0.0.1:$port within 2 s (no answer), and it hangs: it uses no CPU"
    assert_line 'status 1'
}

# As one that is stuck in the kernel: a left4me-run that may not kill.
@test "a game that SIGKILL does not end is left behind, with a word" {
    require setpriv
    require_root
    L4D2_STOP_TIMEOUT=1s setpriv --bounding-set=-kill --inh-caps=-kill -- "$BUILD/left4me-run" \
        /usr/bin/setpriv --reuid=65534 --regid=65534 --clear-groups sleep 60 \
        >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$! child status=0
    until child=$(pgrep --parent "$pid" -x sleep); do
        kill -0 "$pid"
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid" || status=$?
    kill -KILL "$child"
    assert_equal "$status" 1
    run -0 cat "$BATS_TEST_TMPDIR/err"
    assert_line --partial "the game does not end of SIGKILL either, leaving it to systemd: process $child"
}

@test "a stop timeout that is none is told, and nothing is run" {
    local value
    for value in '' soon infinity 0 500ms 121s; do
        L4D2_STOP_TIMEOUT=$value run -78 "$BUILD/left4me-run" /bin/echo run
        assert_output --partial "L4D2_STOP_TIMEOUT=$value in the environment: it is a time from 1s to 2min"
        refute_line run
    done
}

@test "the game does not outlive a left4me-run that is killed" {
    install_game
    "$BUILD/left4me-run" "${game[@]}" >/dev/null 2>&1 3>&- &
    local pid=$! child
    wait_ready
    child=$(ps --no-headers --ppid "$pid" -o pid= | tr -d ' ')
    kill -KILL "$pid"
    wait "$pid" || :
    for ((n = 0; n < 100; n++)); do
        [[ -e /proc/$child/exe ]] || return 0
        sleep 0.05
    done
    fail "process $child is still there"
}

@test "it takes no memory from the kernel once the game runs" {
    require strace
    install_game
    export STANDIN_LEAVE=0 L4D2_WATCHDOG=4s STANDIN_SILENT=2 STANDIN_SILENT_FOR=4 ASAN_OPTIONS=detect_leaks=0
    strace -o "$BATS_TEST_TMPDIR/trace" -e trace=brk,mmap,fork,clone,clone3,vfork,sendto \
        "$BUILD/left4me-run" "${game[@]}" >/dev/null 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$!
    until grep -qs 'answers again' "$BATS_TEST_TMPDIR/err"; do
        sleep 0.1
    done
    kill -INT "$(ps --no-headers --ppid "$pid" -o pid=)"
    wait "$pid"
    run -0 sed '1,/^\(v\?fork\|clone3\?\)(/d' "$BATS_TEST_TMPDIR/trace"
    assert_output --partial sendto
    refute_output --regexp '(^|\n)(brk|mmap)\('
}
