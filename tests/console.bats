#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The console of a server, in a real systemd: lines arrive whole and where they should, nothing
# starts or stops a server, and what strangers have it print moves no terminal.

# bats file_tags=booted,root

# What is in single quotes is for the shell of the machine. $output and the like are bats's.
# shellcheck disable=SC2016,SC2154

load lib/left4me.bash

FIFOS=/run/left4me/console

setup_file() {
    require tmux
    machine_boot --prepare 'systemd-sysusers
        useradd --groups left4me-admin admin
        useradd --groups left4me-admin,systemd-journal reader
        useradd --groups left4me writer'
    policy <<<$'[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=100ms'
    spec one <<<$'port: 27015\nconfig: [standin_leave 0]'
    spec two <<<$'port: 27016\nconfig: [standin_leave 0]'
    spec off <<<$'port: 27017\nconfig: [standin_leave 0]'
    reload
    start one two
    wait_line one ready
    wait_line two ready
}

teardown_file() {
    lab_destroy
}

# A terminal ends from within: the death of the nsenter that leads into the machine would leave its
# child to whoever reaps orphans on this host, and the machine's end waits for that.
teardown() {
    local socket end=$((SECONDS + 20))
    ((${terminals:-0} > 0)) || return 0
    lab_run sh -c 'for file in /run/terminal.*; do kill -KILL "$(cat "$file")"; rm "$file"; done'
    for socket in "$BATS_TEST_TMPDIR"/tmux.*; do
        while tmux -S "$socket" has-session 2>/dev/null && ((SECONDS < end)); do
            sleep 0.05
        done
    done
}

# wait_line NAME LINE: until its log, which begins with its last start, has this line.
wait_line() {
    lab_wait_for 20 sh -c \
        'tac "$1" | sed "/^start pid=/q" | grep -qxF -e "$2"' - "$(log_of "$1")" "$2"
}

# has_no_line NAME LINE: nor did it ever.
has_no_line() {
    run -1 lab_run grep -xF -e "$2" "$(log_of "$1")"
}

log_of() {
    printf '%s\n' "$ROOT/runtime/$1/upper/left4dead2/logs/standin.log"
}

console() {
    lab_run left4mectl console "$@"
}

# game NAME: the PID of the game itself.
game() {
    lab_run sh -c '
        for pid in $(cat "/sys/fs/cgroup$(systemctl show --value -p ControlGroup "$1")/cgroup.procs"); do
            [ "$(cat "/proc/$pid/comm")" != srcds_linux ] || echo "$pid"
        done' - "$(unit "$1")"
}

# wait_other NAME PID: until its game is another one, and up.
wait_other() {
    lab_wait_for 20 sh -c '[ "$(systemctl show --value -p MainPID "$1")" != "$2" ] &&
        systemctl is-active -q "$1"' - "$(unit "$1")" "$2"
    wait_line "$1" ready
}

# as USER COMMAND…
as() {
    lab_run setpriv --reuid "$1" --regid "$1" --init-groups -- "${@:2}"
}

# Anything that a shell may write, raw.
write_raw() {
    lab_run sh -c 'cat >"$1"' - "$FIFOS/$1"
}

is_inactive() {
    run -3 lab_run systemctl is-active "left4me-server@$1"
    assert_output --regexp '^(inactive|failed)$'
}

# wait_gone NAME: until its FIFO is. systemctl waits for the server's end, and the socket's comes after.
wait_gone() {
    lab_wait_for 20 test ! -e "$FIFOS/$1"
}

# --- The FIFO ---------------------------------------------------------------------------------

@test "a server that runs has a FIFO that root and group left4me-admin may write to" {
    run -0 lab_run stat -c '%F %a %U:%G' "$FIFOS/one"
    assert_output 'fifo 660 root:left4me-admin'
    run -0 lab_run stat -c '%a %U:%G' "$FIFOS" "${FIFOS%/*}"
    assert_output $'755 root:root\n755 root:root'
}

@test "a line that a shell writes into it arrives, and what is printed still goes to the journal" {
    write_raw one <<<'say by a shell'
    wait_line one 'console=say by a shell'
    lab_wait_for 20 sh -c \
        'journalctl -b -o cat -u left4me-server@one | grep -x "Console: by a shell"'
}

@test "the consoles of two instances are apart" {
    run -0 console two -- say for two
    wait_line two 'console=say for two'
    has_no_line one 'console=say for two'
}

@test "in its sandbox a server has its own FIFO as standard input alone, and sees none" {
    local pid
    pid=$(game one)
    run -0 lab_run readlink "/proc/$pid/fd/0"
    assert_output "$FIFOS/one"
    run -0 lab_run sh -c 'find "/proc/$1/fd" -lname "/run/left4me/*" | wc -l' - "$pid"
    assert_output 1
    run -2 lab_run ls "/proc/$pid/root/run/left4me"
    # As its user it can open none, not even the one that it was given.
    run -2 lab_run sh -c 'exec setpriv --reuid left4me --regid left4me --init-groups \
        sh -c ": >/proc/self/fd/0" <>"$1"' - "$FIFOS/one"
    assert_output --partial 'Permission denied'
    run -2 as left4me sh -c ': >"$1"' - "$FIFOS/one"
    assert_output --partial 'Permission denied'
}

@test "the socket cannot be started or stopped by itself" {
    run lab_run systemctl start left4me-console@off.socket
    assert_failure
    assert_output --partial 'Operation refused'
    is_inactive off
    run lab_run systemctl stop left4me-console@one.socket
    assert_failure
    assert_output --partial 'Operation refused'
    run -0 lab_run test -p "$FIFOS/one"
}

@test "a reload and a re-execution of systemd leave the console as it is" {
    reload
    lab_run systemctl daemon-reexec
    run -0 console one -- say after both
    wait_line one 'console=say after both'
    has_no_line one 'console: end'
}

@test "a restart makes the console anew, and what was not read is gone" {
    local main pid
    main=$(property two MainPID)
    pid=$(game two)
    lab_run kill -STOP "$pid"
    run -0 console two -- say unread
    lab_run kill -KILL "$pid"
    wait_other two "$main"
    run -0 console two -- say read
    wait_line two 'console=say read'
    has_no_line two 'console=say unread'
    has_no_line two 'console: end'
}

@test "a server may be restarted by hand as often as its own unit allows" {
    local i
    for ((i = 0; i < 7; i++)); do
        lab_run systemctl restart left4me-server@two
    done
    run -0 lab_run test -p "$FIFOS/two"
}

@test "quit has it leave, and systemd starts it again" {
    local main
    main=$(property two MainPID)
    run -0 console two -- quit
    wait_other two "$main"
}

@test "a file in the FIFO's place is out of the way at the next start" {
    lab_put "$FIFOS/off" <<<stray
    run -1 console off -- status
    assert_output --partial "'$FIFOS/off' is no FIFO"
    start off
    run -0 lab_run test -p "$FIFOS/off"
    stop off
    wait_gone off
}

@test "stopping and starting all servers takes the consoles along" {
    lab_run systemctl stop left4me-servers.target
    wait_gone one
    wait_gone two
    run -0 lab_run systemctl list-units --all --plain --no-legend --state=failed 'left4me-*'
    assert_output ''
    start one two
    wait_line one ready
    wait_line two ready
    run -0 lab_run ls "$FIFOS"
    assert_output $'one\ntwo'
}

@test "a write while a server is being stopped does not start it again" {
    start off
    # It ends a moment after, and is still open then.
    lab_run sh -c 'exec 9<>"$1"; systemctl stop left4me-server@off; echo status >&9; sleep 0.5
        exec 9>&-' - "$FIFOS/off"
    is_inactive off
    start off
    wait_line off ready
    lab_run sh -c 'trap "" PIPE
        systemctl stop --no-block left4me-server@off
        # With a time-out: it may be opened just when nobody has it any more.
        while [ -p "$1" ]; do
            echo status | timeout 1 dd of="$1" conv=nocreat,notrunc oflag=nonblock \
                status=none || :
        done 2>/dev/null' - "$FIFOS/off"
    lab_wait_for 20 sh -c '! systemctl is-active -q left4me-server@off'
    wait_gone off
    is_inactive off
}

# --- left4mectl console: lines ----------------------------------------------------------------

@test "a command is answered by what the server prints, and by nothing older" {
    run -0 console one -- say older
    run -0 --separate-stderr console one -- status
    assert_line 'map     : c1m1_hotel'
    refute_line 'Console: older'
    assert_equal "$stderr" ''
}

@test "the words of a command are one line" {
    run -0 console one say 'a  b' -- -c '"d"'
    wait_line one 'console=say a  b -c "d"'
}

@test "lines of standard input are sent, the last one without a newline too, and blank ones not" {
    run -0 lab_run sh -c 'printf "say 1\n\nsay 2\r\nsay 3" | left4mectl console one'
    wait_line one 'console=say 3'
    assert_output $'Console: 1\nConsole: 2\nConsole: 3'
    has_no_line one 'console='
}

@test "control characters and what is no UTF-8 are refused, and those behind them not sent" {
    local text
    for text in 'say \033[31m' 'say a\tb' 'say \001' 'say \302\205' 'say \377' 'say \177'; do
        run -1 lab_run sh -c 'printf "$1\nsay never\n" | left4mectl console one' - "$text"
        assert_line --regexp 'control character|no UTF-8'
        assert_line --partial 'line 1 of standard input'
    done
    run -1 console one -- $'say a\nquit'
    assert_output --partial 'control character in the line, at byte 6'
    run -0 console one -- say ever
    wait_line one 'console=say ever'
    has_no_line one 'console=say never'
}

@test "a line of 4095 bytes arrives whole, and a longer one is refused" {
    local text
    text=$(printf 'x%.0s' {1..4091})
    run -0 console one -- say "$text"
    wait_line one "console=say $text"
    run -1 console one -- say "x$text"
    assert_output --partial 'longer than 4095 bytes'
    run -1 lab_run sh -c 'head -c 20000 /dev/zero | tr "\0" x | left4mectl console one'
    assert_output --partial 'longer than 4095 bytes'
    has_no_line one "console=say x$text"
}

@test "10,000 lines by four writers arrive whole, and those of each in its order" {
    local length
    length=$(lab_run sh -c 'wc -l <"$1"' - "$(log_of one)")
    # Of up to 4 KiB: the longer they are, the sooner they would mix.
    lab_run bash -euc '
        for writer in 1 2 3 4; do
            for ((i = 1; i <= 2500; i++)); do
                printf "echo %d %d %0*d.\n" $writer $i $(((i % 41 == 0) * 3900 + i % 97)) 0
            done >/tmp/lines.$writer
        done
        for writer in 1 2 3 4; do
            left4mectl console one </tmp/lines.$writer >/dev/null &
            pids+=($!)
        done
        for pid in "${pids[@]}"; do
            wait $pid
        done'
    wait_line one "console=$(lab_run tail -n 1 /tmp/lines.1)"
    lab_wait_for 60 sh -c '[ "$(tail -n +"$1" "$2" | grep -c "^console=")" = 10000 ]' - \
        $((length + 1)) "$(log_of one)"
    # shellcheck disable=SC2028
    run -0 lab_run bash -euc '
        for writer in 1 2 3 4; do
            tail -n +"$1" "$2" | sed -n "s/^console=\(echo $writer \)/\1/p" |
                cmp - /tmp/lines.$writer
        done
        rm /tmp/lines.*' - $((length + 1)) "$(log_of one)"
}

@test "a server that does not read does not hold up the tool for ever" {
    local pid
    pid=$(game two)
    lab_run kill -STOP "$pid"
    run -1 timeout 60 "$LAB" run "$LAB_ID" -- sh -c \
        'yes "say $(head -c 3000 /dev/zero | tr "\0" x)" | head -n 100 | left4mectl console two'
    assert_output --partial 'two does not read its console'
    assert_output --partial 'the line was not sent'
    lab_run kill -CONT "$pid"
    run -0 console two -- say awake
    wait_line two 'console=say awake'
}

# --- left4mectl console: who, and of what -----------------------------------------------------

@test "a server that does not run is told, and is not started, and no file is made" {
    run -1 console off -- status
    assert_output 'left4mectl: off does not run, so it has no console; nothing was started'
    run -1 lab_run sh -c 'echo status | left4mectl console off'
    run -1 console nosuch -- status
    is_inactive off
    is_inactive nosuch
    run -1 lab_run test -e "$FIFOS/off"
}

@test "a symlink in the FIFO's place is not followed" {
    lab_run ln -s "$FIFOS/one" "$FIFOS/link"
    run -1 console link -- say by a link
    assert_output --partial 'is no FIFO'
    lab_run rm "$FIFOS/link"
    has_no_line one 'console=say by a link'
}

@test "a server that was started before there were consoles is told to need a restart" {
    lab_put /etc/systemd/system/left4me-server@off.service.d/90-none.conf \
        <<<$'[Service]\nSockets=\n'
    reload
    start off
    lab_run rm -f "$FIFOS/off"
    run -1 console off -- status
    assert_output --partial 'off runs, but without a console'
    stop off
    lab_run rm -r /etc/systemd/system/left4me-server@off.service.d
    reload
}

@test "who is in group left4me-admin writes without root, and is told what it takes to read" {
    run -0 as reader left4mectl console one -- say by reader
    assert_output 'Console: by reader'
    run -0 as admin left4mectl console one -- say by admin
    assert_output --partial 'group systemd-journal'
    wait_line one 'console=say by admin'
}

@test "who is not is told so" {
    local user
    for user in writer left4me; do
        run -1 as "$user" left4mectl console one -- say "by $user"
        assert_output --partial 'root or in group left4me-admin'
        has_no_line one "console=say by $user"
    done
}

@test "a name that is none, another root and an empty command are wrong usage" {
    run -2 console ../one -- status
    run -2 console one -- ''
    run -2 lab_run left4mectl --root /tmp console one -- status
    run -2 lab_run left4mectl console
}

@test "what moves a terminal is shown as text" {
    run -0 lab_run bash -c '{ sleep 0.2; printf "echo \033[2J\033]0;x\007 \302\233 \377 tab\there\n" >"$1"; } &
        left4mectl console one -- echo begin; wait' - "$FIFOS/one"
    assert_line 'begin'
    assert_line $'\\x1b[2J\\x1b]0;x\\x07 \\xc2\\x9b \\xff tab\there'
}

# --- A terminal -------------------------------------------------------------------------------

terminal() {
    tmux -S "$BATS_TEST_TMPDIR/tmux.$terminals" -f /dev/null "$@" 3>&-
}

# in_terminal COMMAND: in a new terminal, which is the machine's own: Ctrl-C reaches this command
# and none of those that led into the machine.
in_terminal() {
    terminals=$((${terminals:-0} + 1))
    terminal new-session -d -x 100 -y 40 "TERM=screen exec '$LAB' run '$LAB_ID' -- \
        script --quiet --return --command 'echo \$\$ >/run/terminal.$terminals; $1; exec sleep infinity' /dev/null"
}

# open_terminal NAME: the console of an instance in a terminal. The status of left4mectl is shown
# when it ends.
open_terminal() {
    in_terminal "left4mectl console $1; echo status=\$?"
    wait_screen "^$1>"
}

# wait_screen REGEXP: until the screen has a line like this.
wait_screen() {
    local screen end=$((SECONDS + 20))
    until screen=$(terminal capture-pane -p 2>&1) && grep -qE -e "$1" <<<"$screen"; do
        ((SECONDS < end)) || fail "the screen has no '$1':
$screen"
        sleep 0.1
    done
}

@test "on a terminal lines are sent, answers are shown above the prompt, and arrow-up has history" {
    open_terminal one
    terminal send-keys 'say typed' Enter
    wait_line one 'console=say typed'
    wait_screen '^Console: typed$'
    terminal send-keys 'say other' Enter
    wait_screen '^Console: other$'
    terminal send-keys Up Up
    wait_screen '^one> say typed$'
    terminal send-keys ' again' Enter
    wait_line one 'console=say typed again'
}

@test "what comes while one types leaves what is typed as it is" {
    open_terminal one
    terminal send-keys 'say half'
    wait_screen '^one> say half$'
    write_raw one <<<$'echo be\e[31mtween'
    wait_screen '^be\\x1b\[31mtween$'
    wait_screen '^one> say half$'
    terminal send-keys ' whole' Enter
    wait_line one 'console=say half whole'
}

@test "Ctrl-D and Ctrl-C leave, and the server runs on" {
    local pid
    pid=$(property one MainPID)
    open_terminal one
    terminal send-keys C-d
    wait_screen '^status=0$'
    open_terminal one
    terminal send-keys 'say not sent' C-c
    wait_screen '^status=130$'
    has_no_line one 'console=say not sent'
    assert_equal "$(property one MainPID)" "$pid"
    assert_equal "$(property one ActiveState)" active
}

@test "a server that stops and starts is told, and the prompt is that of the new one" {
    open_terminal two
    stop two
    wait_gone two
    wait_screen '^-- Stopped '
    terminal send-keys 'say nobody' Enter
    wait_screen 'two does not run'
    is_inactive two
    start two
    wait_screen '^-- Started '
    wait_line two ready
    terminal send-keys 'say new' Enter
    wait_line two 'console=say new'
    has_no_line two 'console=say nobody'
}

@test "its terminal is as it was after Ctrl-C" {
    in_terminal 'stty -a >/tmp/before; left4mectl console one; stty -a | cmp - /tmp/before && echo same'
    wait_screen '^one>'
    terminal send-keys C-c
    wait_screen '^same$'
}

# --- The life of an instance ------------------------------------------------------------------

@test "reset and delete leave no console and no failed unit" {
    run -0 lab_run left4mectl --yes reset two
    wait_gone two
    run -0 lab_run left4mectl start --once two
    run -0 lab_run test -p "$FIFOS/two"
    run -0 lab_run left4mectl --yes delete two
    wait_gone two
    run -0 lab_run systemctl list-units --all --plain --no-legend --state=failed 'left4me-*'
    assert_output ''
}
