#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl query, against the stand-in and against servers that answer whatever they like. Clients
# that were written elsewhere, quakestat and gamedig, have to see the same.

# shellcheck disable=SC2154

load lib/json.bash

setup_file() {
    require_built left4mectl tests/a2s-test tests/standin/srcds_linux
    json_prepare
    export SRCDS_LINUX=$BUILD/tests/standin/srcds_linux
}

setup() {
    unset LEFT4ME_ROOT JOURNAL_STREAM
    export HOME=$BATS_TEST_TMPDIR/installation STANDIN_LEAVE=0
    game=$HOME/left4dead2
    log=$game/logs/standin.log
    # Not the ports of a real server, nor those of another test.
    port=$((32000 + BATS_TEST_NUMBER * 20))
    address=127.0.0.1:$port
    pids=()
    start_usec=${EPOCHREALTIME/[.,]/}
}

teardown() {
    stop_servers
}

stop_servers() {
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid"
        wait "$pid" || :
    done 2>/dev/null
    pids=()
}

# wait_for_line FILE LINE
wait_for_line() {
    local i
    for ((i = 0; i < 100; i++)); do
        if grep -qsxF -e "$2" "$1"; then
            return
        fi
        sleep 0.05
    done
    cat "$BATS_TEST_TMPDIR/stdout"
    fail "$1 has no line '$2'"
}

# serve ARGUMENT…: starts a stand-in, in the place of the one before, and waits until it answers.
serve() {
    stop_servers
    "$SOURCE/tests/standin/install" "$HOME"
    : >"$BATS_TEST_TMPDIR/stdout"
    rm -f "$log"
    echo 'hostname "Zoë'\''s \ server"' >"$game/cfg/server.cfg"
    "$HOME/srcds_run" -game left4dead2 -norestart +hostport "$port" -clientport $((port + 5)) \
        +tv_port $((port + 10)) "$@" >"$BATS_TEST_TMPDIR/stdout" 2>&1 3>&- &
    pids+=($!)
    wait_for_line "$log" ready
}

# liar [N]: starts a server that sends whatever answer(query, n) returns, a list of datagrams, to
# whoever asks on one of N ports; n is the number of the port. The function is Python, on standard
# input.
liar() {
    {
        cat <<'END'
import select, socket, struct, sys
ALL = b"\xff\xff\xff\xff"
INFO = (ALL + b"I\x11name\0map\0folder\0game\0"
        + struct.pack("<HBBBccBB", 550, 3, 8, 1, b"d", b"l", 0, 1) + b"2.2.4.3\0")
EXTRA = b"\xb1" + struct.pack("<HQ", 27015, 1) + b"tags\0" + struct.pack("<Q", 550)
def parts(message, size, ident=1):
    cut = [message[i:i + size] for i in range(0, len(message), size)]
    return [b"\xfe\xff\xff\xff" + struct.pack("<IBBH", ident, len(cut), i, 1248) + part
            for i, part in enumerate(cut)]
END
        cat
        cat <<'END'
first, n = int(sys.argv[1]), int(sys.argv[2])
print(len(INFO), len(INFO + EXTRA))
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(n)]
for i, s in enumerate(sockets):
    s.bind(("127.0.0.1", first + i))
print("ready", flush=True)
while True:
    for s in select.select(sockets, [], [])[0]:
        query, peer = s.recvfrom(2000)
        for datagram in answer(query, s.getsockname()[1] - first):
            s.sendto(datagram, peer)
END
    } >"$BATS_TEST_TMPDIR/liar.py"
    "$PYTHON" "$BATS_TEST_TMPDIR/liar.py" "$port" "${1:-1}" >"$BATS_TEST_TMPDIR/stdout" 2>&1 3>&- &
    pids+=($!)
    wait_for_line "$BATS_TEST_TMPDIR/stdout" ready
}

# addresses N: sets the array of that name to the first N ports of ours.
addresses() {
    local i
    addresses=()
    for ((i = 0; i < $1; i++)); do
        addresses+=("127.0.0.1:$((port + i))")
    done
}

ctl() {
    "$BUILD/left4mectl" "$@"
}

# asked STATUS OPERAND…: asks for JSON, which has to be valid, and keeps it in $answer.
asked() {
    run "-$1" --separate-stderr ctl --json query "${@:2}"
    assert_valid query
    answer=$output
}

# value EXPRESSION: of the JSON that was printed; a is the first server's.
value() {
    run -0 json "[$1 for a in j][0]" <<<"$answer"
}

assert_took_less() {
    ((${EPOCHREALTIME/[.,]/} - start_usec < $1 * 1000000))
}

# --- The codec ----------------------------------------------------------------------------------

@test "the codec: requests, challenges, answers whole, cut and changed at every byte, and split" {
    local name
    "$BUILD/tests/a2s-test" >"$BATS_TEST_TMPDIR/names"
    while read -r name; do
        run -0 "$BUILD/tests/a2s-test" "$name"
    done <"$BATS_TEST_TMPDIR/names"
    [[ $(wc -l <"$BATS_TEST_TMPDIR/names") == 10 ]]
    run -1 "$BUILD/tests/a2s-test" none
}

# --- The stand-in -------------------------------------------------------------------------------

@test "all that a server says is printed" {
    serve -standin_players 3 -maxplayers 8 +map c2m1_highway
    LC_ALL=C.UTF-8 run -0 --separate-stderr ctl query "$address"
    assert_equal "$stderr" ''
    assert_line --index 0 "$address"
    assert_line "        Name: Zoë's \\ server"
    assert_line '         Map: c2m1_highway'
    assert_line '        Game: Left 4 Dead 2 (left4dead2, app 550)'
    assert_line '     Players: 3/8, 1 of them a bot'
    assert_line '      Server: dedicated, linux, version 2.2.4.3, VAC'
    assert_line '    Keywords: coop,standin'
    assert_line '    Steam ID: 90071997147797112'
    assert_line --regexp '^     Latency: [0-9]+\.[0-9]{3} ms$'
    assert_line --regexp '^PLAYER +SCORE +TIME$'
    assert_line --regexp '^Coach +0 +0:00:10$'
    assert_line --regexp '^\\x1b\[31mred\\x1b\[0m +-5 +0:01:50$'
    assert_line --regexp '^\\xff\\xfe not UTF-8 +20 +0:03:31$'
    run -0 ctl --no-headings query "$address"
    refute_output --partial PLAYER
}

@test "what no terminal should get is escaped, and JSON has it as text" {
    serve -standin_players 8
    LC_ALL=C.UTF-8 run -0 ctl query "$address"
    run -1 grep -P '[\x00-\x08\x0b-\x1f\x7f]' <<<"$output"
    LC_ALL=C.UTF-8 run -0 ctl query "$address"
    run -0 iconv -f UTF-8 -t UTF-8 <<<"$output"
    assert_line --regexp '^Zoë 二 🧟 +60 '
    assert_line --regexp '^new\\x0aline\\x09\. +50 '
    asked 0 "$address"
    run -0 json '"\n".join(ascii(p["name"]) for p in j[0]["players"])' <<<"$answer"
    assert_output "'Coach'
'\\x1b[31mred\\x1b[0m'
'\\ufffd\\ufffd not UTF-8'
'<b>&amp;\"\\'</b>'
''
'new\\nline\\t.'
'Zo\\xeb \\u4e8c \\U0001f9df'
'0123456789012345678901234567890'"
}

# same_as_quakestat: it reports what our $answer has. Of names it knows neither control characters
# nor UTF-8, so only the others are compared. Its time-out counts changes of the clock's second: one
# may come at once.
same_as_quakestat() {
    quakestat -timeout 2 -retry 3 -P -xml -a2s "$address" >"$BATS_TEST_TMPDIR/xml"
    "$PYTHON" -c '
import re, sys, xml.etree.ElementTree as tree
server = tree.fromstring(re.sub(rb"[\x00-\x08\x0b-\x1f\x7f]", b"", open(sys.argv[1], "rb").read()))[0]
print(server.get("address"), *(server.find(key).text for key in ("gametype", "map", "numplayers", "maxplayers")))
for p in server.find("players"):
    score = int(p.find("score").text)
    minutes, seconds = re.fullmatch(r"(?:(\d+)m)?(\d+)s", p.find("time").text).groups()
    print(score, int(minutes or 0) * 60 + int(seconds), p.find("name").text if score in (0, 30, 70) else "")
' "$BATS_TEST_TMPDIR/xml" | sort >"$BATS_TEST_TMPDIR/theirs"
    "$PYTHON" -c '
import json, sys
a = json.load(sys.stdin)[0]
print(a["server"], *(a["info"][key] for key in ("folder", "map", "players", "max_players")))
for p in a["players"]:
    print(p["score"], int(p["seconds"]), p["name"] if p["score"] in (0, 30, 70) else "")
' <<<"$answer" | sort >"$BATS_TEST_TMPDIR/ours"
    diff -u "$BATS_TEST_TMPDIR/theirs" "$BATS_TEST_TMPDIR/ours"
    [[ $(wc -l <"$BATS_TEST_TMPDIR/ours") == 9 ]]
}

# same_as_gamedig: likewise, with all that A2S_INFO has.
same_as_gamedig() {
    # Where bootstrap puts it, or anywhere.
    local PATH=$SOURCE/.cache/npm/node_modules/.bin:$PATH
    require gamedig
    gamedig --type l4d2 --host 127.0.0.1 --port "$port" --givenPortOnly --socketTimeout 2000 \
        >"$BATS_TEST_TMPDIR/theirs.json"
    printf '%s\n' "$answer" >"$BATS_TEST_TMPDIR/ours.json"
    run -0 "$PYTHON" - "$BATS_TEST_TMPDIR"/{theirs,ours}.json <<'END'
import json, sys
theirs, ours = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))[0]
raw, info = theirs["raw"], ours["info"]
pairs = {
    "name": (theirs["name"], info["name"]),
    "map": (theirs["map"], info["map"]),
    "folder": (raw["folder"], info["folder"]),
    "game": (raw["game"], info["game"]),
    "app_id": (raw["appId"], info["app_id"]),
    "protocol": (raw["protocol"], info["protocol"]),
    "players": (theirs["numplayers"], info["players"]),
    "max_players": (theirs["maxplayers"], info["max_players"]),
    "bots": (raw["numbots"], info["bots"]),
    "type": (raw["listentype"], info["type"][0]),
    "os": (raw["environment"], info["os"][0]),
    "password": (theirs["password"], info["password"]),
    "vac": (raw["secure"], int(info["vac"])),
    "version": (theirs["version"], info["version"]),
    "port": (theirs["queryPort"], info["port"]),
    "steam_id": (raw["steamid"], info["steam_id"]),
    "keywords": (",".join(raw["tags"]), info["keywords"]),
    "list": ([(p["name"], p["score"], p["time"]) for p in raw["players"]],
             [(p["name"], p["score"], p["seconds"]) for p in ours["players"]]),
}
for key, (their, our) in pairs.items():
    if their != our:
        print(key, their, our)
missing = set(info) - set(pairs)
print("not compared:", *sorted(missing))
END
    assert_output 'not compared: game_id tv_name tv_port'
}

@test "quakestat sees the same, field by field" {
    require quakestat
    serve -standin_players 8 -maxplayers 8
    asked 0 "$address"
    same_as_quakestat
}

@test "gamedig sees the same, field by field" {
    serve -standin_players 8 -maxplayers 8
    asked 0 "$address"
    same_as_gamedig
}

@test "split players are put together as quakestat does" {
    require quakestat
    # It knows split answers to A2S_INFO not at all.
    serve -standin_players 8 -maxplayers 8 -standin_split 200
    asked 0 "$address"
    same_as_quakestat
}

@test "split answers are put together as gamedig does, in any order and with parts twice" {
    local former
    serve -standin_players 16 -maxplayers 16 -standin_split 40
    asked 0 "$address"
    value '(a["info"]["players"], len(a["players"]))'
    assert_output '(16, 16)'
    same_as_gamedig
    former=$(json '[j[0]["info"], j[0]["players"]]' <<<"$answer")
    serve -standin_players 16 -maxplayers 16 -standin_split 50 -standin_split_mess 1
    asked 0 "$address"
    assert_equal "$(json '[j[0]["info"], j[0]["players"]]' <<<"$answer")" "$former"
}

@test "a challenge that changes is followed" {
    serve -standin_challenge_rotate 3 -standin_players 1
    asked 0 "$address"
    value '(a["result"], len(a["players"]))'
    assert_output "('answered', 1)"
}

@test "challenges without an end are told, at once" {
    serve -standin_challenge_rotate 1000000
    start_usec=${EPOCHREALTIME/[.,]/}
    asked 1 "$address"
    assert_took_less 2
    value 'a["result"]'
    assert_output bad-answer
    assert_equal "$stderr" \
        "left4mectl: $address: it sends one challenge after the other and no answer"
}

@test "an answer from another loopback address counts, and is told" {
    # Of a server that is bound to 0.0.0.0, this is what the kernel does.
    serve
    run -0 ctl query "127.0.1.1:$port"
    assert_line --index 1 "     Address: 127.0.1.1:$port (answers from $address)"
    asked 0 "127.0.1.1:$port"
    value '(a["address"], a["source"])'
    assert_output "('127.0.1.1:$port', '$address')"
    serve -ip 127.0.0.1 -standin_wrong_source 127.0.0.9
    asked 0 "$address"
    value 'a["source"]'
    assert_output "127.0.0.9:$port"
}

@test "an answer from another port does not count, and is told" {
    serve -standin_wrong_source port
    asked 1 "$address"
    value 'a["result"]'
    assert_output elsewhere
    [[ $stderr =~ ^"left4mectl: $address: no answer, but one from 127.0.0.1:"[0-9]+", which was not asked"$ ]]
}

# --- No answers ---------------------------------------------------------------------------------

@test "nothing on the port is told at once, by IPv4 and IPv6" {
    run -1 --separate-stderr ctl query "$address" "[::1]:$port" "localhost:$port"
    assert_took_less 2
    assert_output ''
    assert_equal "$stderr" "left4mectl: $address: refused: nothing has this port
left4mectl: [::1]:$port: refused: nothing has this port
left4mectl: localhost:$port ($address): refused: nothing has this port"
}

@test "silence is told after two seconds, however many are silent" {
    liar 40 <<<'def answer(query, n): return []'
    addresses 40
    start_usec=${EPOCHREALTIME/[.,]/}
    asked 1 "${addresses[@]}"
    assert_took_less 6
    run -0 json '{a["result"] for a in j}' <<<"$answer"
    assert_output "{'no-answer'}"
}

@test "a flood of garbage holds up nobody, and ends in time" {
    liar 2 <<'END'
def answer(query, n):
    if n == 1:
        return [INFO] if query[4:5] == b"T" else [ALL + b"D\0"]
    return [ALL + b"j"] * 3000
END
    addresses 2
    start_usec=${EPOCHREALTIME/[.,]/}
    asked 1 "${addresses[@]}"
    assert_took_less 6
    run -0 json '[a["result"] for a in j]' <<<"$answer"
    assert_output "['bad-answer', 'answered']"
}

@test "one that does not answer does not hide the others" {
    serve
    run -1 --separate-stderr ctl query "127.0.0.1:$((port + 1))" "$address"
    assert_line --index 0 "$address"
    assert_equal "$stderr" "left4mectl: 127.0.0.1:$((port + 1)): refused: nothing has this port"
}

@test "a request that is lost is sent again" {
    liar <<'END'
seen = [0]
def answer(query, n):
    seen[0] += 1
    if seen[0] % 2 == 1:
        return []
    return [INFO] if query[4:5] == b"T" else [ALL + b"D\0"]
END
    asked 0 "$address"
    value '(a["info"]["name"], a["players"])'
    assert_output "('name', [])"
}

@test "players that are not told are missing, and the rest is shown" {
    liar <<<'def answer(query, n): return [INFO + EXTRA] if query[4:5] == b"T" else []'
    run -0 --separate-stderr ctl query "$address"
    assert_line '         Map: map'
    assert_equal "$stderr" "left4mectl: $address: the players were not told: no answer"
    asked 0 "$address"
    value 'a["players"]'
    assert_output None
}

@test "an answer cut at any byte is none; garbage, compression and missing parts are told" {
    local plain whole
    liar 120 <<'END'
def answer(query, n):
    if query[4:5] != b"T":
        return [ALL + b"D\0"]
    if n < len(INFO + EXTRA):
        return [(INFO + EXTRA)[:n]]
    return [
        [b"hello, hello"],
        [ALL + b"m"],
        parts(INFO, 20, 0x80000001)[:1],
        parts(INFO, 20)[:2],
        [INFO + b"\0" * 9000],
        parts(INFO + b"\0" * 5000, 1000),
    ][n - len(INFO + EXTRA)]
END
    read -r plain whole <"$BATS_TEST_TMPDIR/stdout"
    ((whole + 6 <= 120))
    addresses $((whole + 6))
    asked 1 "${addresses[@]}"
    # Where all of the extra fields are missing, it is an old server's.
    run -0 json "[i for i, a in enumerate(j[:$whole]) if (a['result'] == 'answered') != (i == $plain)]" \
        <<<"$answer"
    assert_output '[]'
    run -0 json "{(a['result'], a['message']) for i, a in enumerate(j[:$whole]) if i != $plain}" <<<"$answer"
    assert_output "{('bad-answer', 'its answer is cut short')}"
    run -0 json "'\\n'.join(a['message'] for a in j[$whole:])" <<<"$answer"
    assert_output 'it answers, but not as a Source server does
it answers, but not as a Source server does
its answer is compressed, which is not supported
parts of its answer are missing
its answer is too large
its answer is too large'
}

@test "garbage before the answer is passed over" {
    liar <<'END'
def answer(query, n):
    if query[4:5] != b"T":
        return [INFO, ALL + b"D", ALL + b"D\1\0x\0" + struct.pack("<if", 5, float("nan"))]
    return [b"", b"x", ALL, INFO[:9], ALL + b"D\0", parts(INFO, 30)[1], INFO + EXTRA]
END
    asked 0 "$address"
    value '(a["info"]["keywords"], a["players"])'
    assert_output "('tags', [{'index': 0, 'name': 'x', 'score': 5, 'seconds': None}])"
    run -0 ctl query "$address"
    assert_line --regexp '^x +5 +-$'
}

# --- Whom to ask --------------------------------------------------------------------------------

# spec NAME TEXT
spec() {
    mkdir -p "$BATS_TEST_TMPDIR/root/instances/$1"
    printf '%b' "$2" >"$BATS_TEST_TMPDIR/root/instances/$1/spec.yaml"
}

@test "an instance is asked on its port, at the address of its -ip" {
    serve -ip 127.0.0.3
    spec here "port: $port\narguments: ['-ip 127.0.0.3']\n"
    spec all "port: $port\narguments: ['-ip 0.0.0.0']\n"
    spec name "port: $port\narguments: ['-ip localhost']\n"
    spec bad 'port: 0\n'
    asked 1 --root "$BATS_TEST_TMPDIR/root" here all name bad gone
    run -0 json '"\n".join("%s %s %s" % (a["name"], a["address"], a["result"]) for a in j)' <<<"$answer"
    assert_output "here 127.0.0.3:$port answered
all 127.0.0.1:$port refused
name 127.0.0.1:$port refused
bad None failed
gone None failed"
    assert_equal "${stderr_lines[2]}" \
        "left4mectl: bad: cannot tell its port: its spec is refused; see 'left4mectl check bad'"
    run -0 ctl --root "$BATS_TEST_TMPDIR/root" query here
    assert_line --index 0 here
    assert_line --index 1 "     Address: 127.0.0.3:$port"
}

@test "what is no server is wrong usage, and nobody is asked" {
    local operand
    for operand in : a: :1 a:0 a:65536 a:x a:1x a:+1 ::1:27015 '[]:1' '-x' 'a b' .x \
        "$(printf 'n%.0s' {1..300}):1"; do
        run -2 --separate-stderr ctl query 127.0.0.1:1 -- "$operand"
        assert_output ''
    done
    run -2 ctl query
}

@test "a name that cannot be found is told" {
    run -1 --separate-stderr ctl query name.invalid:27015
    [[ $stderr == "left4mectl: name.invalid:27015: cannot find 'name.invalid': "* ]]
}
