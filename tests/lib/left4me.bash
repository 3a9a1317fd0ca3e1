# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A test machine on which left4me is installed, with a stand-in for the game: "load
# lib/left4me.bash", then
#
#   setup_file() { machine_boot; }
#   teardown_file() { lab_destroy; }
#   @test "…" {
#       spec one <<<'port: 27015'
#       reload
#       lab_run systemctl start left4me-server@one
#       wait_answer 27015
#   }

# shellcheck disable=SC2034

load "$(dirname "${BASH_SOURCE[0]}")/lab.bash"

ROOT=/var/lib/left4me

# machine_boot [BOOT OPTION…]
machine_boot() {
    local destdir=$BATS_FILE_TMPDIR/destdir
    require_root
    require make quakestat
    require_built left4me-generator left4me-stage left4me-overlay left4me-run tests/standin/srcds_linux
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
        make --silent -C "$BUILD" install DESTDIR="$destdir" >/dev/null
    "$SOURCE/tests/standin/install" "$destdir$ROOT/installation" "$BUILD/tests/standin/srcds_linux"
    lab_boot --install "$destdir" "$@"
}

# spec NAME < SPEC
spec() {
    lab_put -m 0640 -o left4me:left4me "$ROOT/instances/$1/spec.yaml"
}

# layer PATH < FILE: a file below <root>/overlays.
layer() {
    lab_put "$ROOT/overlays/$1"
}

reload() {
    lab_run systemctl daemon-reload
}

unit() {
    printf 'left4me-server@%s.service\n' "$1"
}

# policy < DROP-IN: changes the policy of all instances of this machine.
policy() {
    lab_put /etc/systemd/system/left4me-server@.service.d/90-test.conf
    reload
}

# start NAME…: with the journal of what failed.
start() {
    local name
    if ! lab_run systemctl start "${@/#/left4me-server@}"; then
        for name in "$@"; do
            lab_journal "$(unit "$name")"
        done
        return 1
    fi >&2
}

stop() {
    lab_run systemctl stop "${@/#/left4me-server@}"
}

# answer PORT [ADDRESS]: what quakestat has to say of the server.
answer() {
    lab_run quakestat -timeout 2 -retry 3 -xml -a2s "${2:-127.0.0.1}:$1"
}

# wait_answer PORT…: until it answers.
wait_answer() {
    local port
    for port in "$@"; do
        lab_wait_for 20 sh -c \
            'quakestat -timeout 2 -retry 3 -xml -a2s "127.0.0.1:$1" | grep -F "status=\"UP\""' - \
            "$port"
    done
}

# upper NAME FILE: a file that the game wrote, or that was staged.
upper() {
    lab_run cat "$ROOT/runtime/$1/upper/left4dead2/$2"
}

property() {
    lab_run systemctl show --value --property="$2" "$(unit "$1")"
}

# mounts NAME: how many are on merged.
mounts() {
    lab_run awk -v path="$ROOT/runtime/$1/merged" '$5 == path' /proc/self/mountinfo | wc -l
}
