#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is at fault is told, where an operator looks for it, and costs its own instance only.

# bats file_tags=booted,root

load lib/left4me.bash

setup_file() {
    machine_boot
    # Faults are retried at once here, and not five seconds later.
    policy <<<$'[Service]\nRestartSec=100ms'
    spec good <<<'port: 27015'
}

teardown_file() {
    lab_destroy
}

setup() {
    name=t$BATS_TEST_NUMBER
    port=$((27100 + BATS_TEST_NUMBER))
}

teardown() {
    lab_run systemctl stop "$(unit "$name")"
    lab_run systemctl reset-failed "$(unit "$name")" 2>/dev/null || :
    lab_run rm -rf "$ROOT/instances/$name"
}

# Starts, which has to fail, until the start limit. Then the messages of the helpers are in $output.
assert_fails() {
    run -1 lab_run systemctl start "$(unit "$name")"
    lab_wait_for 30 sh -c '[ "$(systemctl is-failed "$1")" = failed ]' - "$(unit "$name")"
    run -0 lab_run journalctl --no-pager --output=cat --boot --unit="$(unit "$name")" _COMM=left4me-stage + \
        _COMM=left4me-overlay _SYSTEMD_UNIT="$(unit "$name")"
    run -0 lab_journal "$(unit "$name")" --identifier=left4me-stage --identifier=left4me-overlay
}

# assert_told MESSAGE: one line per attempt, and that is all there is.
assert_told() {
    assert_fails
    assert_equal "$(sort -u <<<"$output")" "$1"
    assert_equal "${#lines[@]}" 10
}

# --- A spec that is refused -------------------------------------------------------------------

@test "a spec with three faults fails once, and systemctl status shows all of them" {
    spec "$name" <<END
port: 99999
autostrat: true
overlays:
  - path: ../x
END
    reload
    local file=$ROOT/instances/$name/spec.yaml
    run -1 lab_run systemctl start "$(unit "$name")"
    sleep 0.5
    run -0 property "$name" NRestarts
    assert_output 0
    run -3 lab_run systemctl status --no-pager --full --lines=20 "$(unit "$name")"
    assert_output --partial "$file:1:7: 'port' is out of range: it is from 1 to 65535"
    assert_output --partial '  port: 99999'
    assert_output --partial '        ^'
    assert_output --partial "$file:2:1: unknown key 'autostrat', did you mean 'autostart'?"
    assert_output --partial "$file:4:11: an overlay's path is relative"
    assert_output --partial "status=78/CONFIG"

    # It costs nobody else anything.
    lab_run systemctl start left4me-server@good
    wait_answer 27015

    spec "$name" <<<"port: $port"
    reload
    start "$name"
    wait_answer "$port"
}

@test "the generator's messages about it are in the kernel log" {
    spec "$name" <<<$'prot: 1\nconfig: [rcon_password hunter2]'
    reload
    lab_wait_for 5 true
    run -0 lab_kmsg
    assert_line --regexp "^<27>left4me-generator\[[0-9]+\]: $ROOT/instances/$name/spec.yaml:1:1: unknown key 'prot', did you mean 'port'\?"
    refute_output --partial hunter2
}

@test "a spec that is mended without a daemon-reload says that it is not compiled" {
    spec "$name" <<<'port: 0'
    reload
    spec "$name" <<<"port: $port"
    run -1 lab_run systemctl start "$(unit "$name")"
    run -0 lab_journal "$(unit "$name")" --identifier=left4me-stage
    assert_output "instance $name is not compiled: run 'systemctl daemon-reload'"
}

@test "a spec that was placed without a daemon-reload says so too" {
    spec "$name" <<<"port: $port"
    run -1 lab_run systemctl start "$(unit "$name")"
    run -0 lab_journal "$(unit "$name")" --identifier=left4me-stage
    assert_line --index 0 "instance $name is not compiled: run 'systemctl daemon-reload'"
}

# --- What is not there ------------------------------------------------------------------------

@test "an instance that does not exist fails with a clear word" {
    run -1 lab_run systemctl start "$(unit "$name")"
    assert_output --partial "Assertion failed on job for left4me-server@$name.service"
    run -0 lab_journal "$(unit "$name")"
    assert_line "$(unit "$name"): Starting requested but asserts failed."
}

@test "a missing overlay is told by name, once per attempt" {
    spec "$name" <<<"{port: $port, overlays: [maps/of/mine]}"
    reload
    assert_told "overlay '$ROOT/overlays/maps/of/mine' does not exist"
}

@test "a missing installation is told by name, once per attempt" {
    spec "$name" <<<"port: $port"
    reload
    lab_run mv "$ROOT/installation" "$ROOT/elsewhere"
    assert_told "installation '$ROOT/installation' does not exist: install the game there (see README)"
    lab_run mv "$ROOT/elsewhere" "$ROOT/installation"
}

@test "a spec that user left4me cannot read says how to mend it, and that mends it" {
    spec "$name" <<<"port: $port"
    reload
    lab_run chown root:root "$ROOT/instances/$name/spec.yaml"
    local file=$ROOT/instances/$name/spec.yaml
    assert_told "$file: user left4me cannot read it: 'chgrp left4me' and 'chmod 0640' the file, 'chgrp left4me' and 'chmod 2770' its directory"
    lab_run chgrp left4me "$file"
    lab_run chmod 0640 "$file"
    lab_run chgrp left4me "$ROOT/instances/$name"
    lab_run chmod 2770 "$ROOT/instances/$name"
    lab_run systemctl reset-failed "$(unit "$name")"
    start "$name"
}

# --- Ports ------------------------------------------------------------------------------------

@test "a port that is taken is told, once per attempt" {
    lab_run systemctl start left4me-server@good
    wait_answer 27015
    spec "$name" <<<'port: 27015'
    reload
    assert_told "port 27015 is taken: another process has bound it at 0.0.0.0 (UDP); 'ss -lunp' tells which"
}

@test "an address that is none of the host's is told" {
    spec "$name" <<<"{port: $port, arguments: [-ip 203.0.113.1]}"
    reload
    assert_told "address 203.0.113.1, which -ip in the arguments names, is none of this host"
}

@test "an address that -ip names is bound, and others may have the port elsewhere" {
    spec "$name" <<<"{port: $port, arguments: [-ip 127.0.0.2]}"
    spec "${name}b" <<<"{port: $port, arguments: [-ip 127.0.0.3]}"
    reload
    start "$name" "${name}b"
    wait_answer_at() {
        lab_wait_for 10 sh -c 'quakestat -xml -a2s "$1" | grep UP' - "$1"
    }
    wait_answer_at "127.0.0.2:$port"
    wait_answer_at "127.0.0.3:$port"
    stop "${name}b"
}

# --- Changes ----------------------------------------------------------------------------------

@test "an edited port without a daemon-reload is told by systemctl and by the stage helper" {
    spec "$name" <<<"{port: $port, arguments: [-a]}"
    reload
    start "$name"
    wait_answer "$port"
    # The time of the file has to differ from that at the reload by as much as systemd looks at.
    sleep 1.1
    spec "$name" <<<"{port: $((port + 100)), arguments: [-b]}"
    run -0 lab_run systemctl restart "$(unit "$name")"
    assert_output --partial "changed on disk. Run 'systemctl daemon-reload'"
    run -0 property "$name" NeedDaemonReload
    assert_output yes
    run -0 lab_journal "$(unit "$name")" --identifier=left4me-stage
    assert_output "the spec's port changed since the last daemon-reload, which takes effect after the next one: in force \"$port\", in the spec \"$((port + 100))\"
the spec's arguments changed since the last daemon-reload, which takes effect after the next one: in force \"-a\", in the spec \"-b\""
    wait_answer "$port"

    reload
    lab_run systemctl restart "$(unit "$name")"
    wait_answer "$((port + 100))"
}

@test "config lines take effect at the next start, without a daemon-reload" {
    spec "$name" <<<"{port: $port, config: [hostname before]}"
    reload
    start "$name"
    wait_answer "$port"
    spec "$name" <<<"{port: $port, config: [hostname after]}"
    lab_run systemctl restart "$(unit "$name")"
    wait_answer "$port"
    run -0 answer "$port"
    assert_output --partial '<name>after</name>'
}

@test "an installation that is a symlink is replaced under a running server, for its next start" {
    spec "$name" <<<"port: $port"
    reload
    lab_run sh -euc 'cd "$1"; mv installation release-1; cp -a release-1 release-2
        echo "hostname \"release 1\"" >release-1/left4dead2/cfg/release.cfg
        echo "hostname \"release 2\"" >release-2/left4dead2/cfg/release.cfg
        ln -s release-1 installation' - "$ROOT"
    start "$name"
    lab_run sh -euc 'cd "$1"; ln -s release-2 new; mv -T new installation' - "$ROOT"
    local file=$ROOT/runtime/$name/merged/left4dead2/cfg/release.cfg
    run -0 lab_run cat "$file"
    assert_output 'hostname "release 1"'
    lab_run systemctl restart "$(unit "$name")"
    run -0 lab_run cat "$file"
    assert_output 'hostname "release 2"'

    # What tmpfiles.d makes at a boot, if it is not there, is content with the link.
    run -0 lab_run systemd-tmpfiles --create left4me.conf
    assert_output ''
    run -0 lab_run readlink "$ROOT/installation"
    assert_output release-2
    stop "$name"
    lab_run sh -euc 'cd "$1"; rm installation; mv release-1 installation; rm -r release-2' - "$ROOT"
}

@test "a layer that is removed under a running server does not keep its stop from unmounting" {
    layer gone/file <<<x
    spec "$name" <<<"{port: $port, overlays: [gone]}"
    reload
    start "$name"
    lab_run rm -r "$ROOT/overlays/gone"
    stop "$name"
    run -0 mounts "$name"
    assert_output 0
    run -0 property "$name" Result
    assert_output success
}

@test "a spec that is removed under a running server does not either" {
    spec "$name" <<<"port: $port"
    reload
    start "$name"
    lab_run rm -r "$ROOT/instances/$name"
    stop "$name"
    run -0 mounts "$name"
    assert_output 0
    run -0 property "$name" Result
    assert_output success
}

@test "nor do overlays and installation that are gone altogether" {
    spec "$name" <<<"port: $port"
    reload
    start "$name"
    lab_run sh -euc 'cd "$1"; mv overlays o; mv installation i' - "$ROOT"
    stop "$name"
    lab_run sh -euc 'cd "$1"; mv o overlays; mv i installation' - "$ROOT"
    run -0 mounts "$name"
    assert_output 0
}

# --- Who owns what ----------------------------------------------------------------------------

@test "the state root and its directories have the owners and modes of the contract" {
    run -0 lab_run stat -c '%a %U:%G %n' "$ROOT" "$ROOT"/{runtime,instances,overlays,installation}
    assert_output "755 root:root $ROOT
755 root:root $ROOT/runtime
2770 left4me:left4me $ROOT/instances
755 left4me:left4me $ROOT/overlays
755 left4me:left4me $ROOT/installation"
    run -0 lab_run id -nG left4me
    assert_output left4me
    run -0 lab_run getent group left4me-admin
}

@test "user left4me can rename neither the state root nor runtime" {
    run -1 lab_run setpriv --reuid left4me --regid left4me --init-groups mv "$ROOT" "${ROOT}2"
    run -1 lab_run setpriv --reuid left4me --regid left4me --init-groups \
        mv "$ROOT/runtime" "$ROOT/runtime2"
    run -1 lab_run setpriv --reuid left4me --regid left4me --init-groups \
        ln -s /etc "$ROOT/runtime/new"
}

# plant WHAT TARGET: user left4me puts a symlink in the place of something of its own.
plant() {
    lab_run setpriv --reuid left4me --regid left4me --init-groups \
        sh -euc 'rm -rf "$1"; ln -s "$2" "$1"' - "$1" "$2"
}

@test "a symlink in the place of what user left4me owns leads root's helpers nowhere" {
    local what
    lab_run sh -euc 'mkdir -p /victim/upper/left4dead2/cfg /victim/work /victim/merged
        echo kept >/victim/upper/left4dead2/cfg/server.cfg; chmod -R a+rwX /victim'
    for what in upper work merged upper/left4dead2 upper/left4dead2/cfg \
        upper/left4dead2/cfg/server.cfg; do
        spec "$name" <<<"port: $port"
        reload
        start "$name"
        stop "$name"
        plant "$ROOT/runtime/$name/$what" "/victim${what:+/$what}"
        lab_run systemctl start "$(unit "$name")" 2>/dev/null || :
        lab_run systemctl stop "$(unit "$name")"
        lab_run systemctl reset-failed "$(unit "$name")" 2>/dev/null || :
        lab_run systemctl clean --what=state "$(unit "$name")"
    done
    run -0 lab_run sh -c 'cd /victim; find . ! -type d; cat upper/left4dead2/cfg/server.cfg
        find . ! -user root; grep /victim /proc/self/mountinfo || echo not mounted'
    assert_output $'./upper/left4dead2/cfg/server.cfg\nkept\nnot mounted'
}

# --- Names in the sandbox ---------------------------------------------------------------------

# A name that is in no /etc/hosts: systemd-resolved answers for the machine's own.
assert_resolves() {
    spec "$name" <<<"{port: $port, config: [standin_resolve only-resolved]}"
    reload
    lab_run systemctl restart "$(unit "$name")"
    wait_answer "$port"
    run -0 upper "$name" logs/standin.log
    assert_line --regexp '^resolve only-resolved: [0-9a-f]'
}

@test "names resolve in the sandbox by systemd-resolved's resolv.conf, and by a plain file" {
    lab_put /etc/systemd/resolved.conf <<<$'[Resolve]\nDNSStubListenerExtra=127.0.0.1'
    lab_run sh -euc 'hostname only-resolved; rm /etc/systemd/system/systemd-resolved.service
        systemctl daemon-reload; systemctl start systemd-resolved
        mv /etc/resolv.conf /etc/resolv.conf.plain
        ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf'
    run -0 lab_run cat /etc/resolv.conf
    assert_line 'nameserver 127.0.0.53'
    assert_resolves

    lab_run mv -T /etc/resolv.conf.plain /etc/resolv.conf
    run -0 lab_run cat /etc/resolv.conf
    assert_output 'nameserver 127.0.0.1'
    assert_resolves

    # Without it the name is not to be had, so it did not come from elsewhere.
    lab_run systemctl stop systemd-resolved
    lab_run systemctl restart "$(unit "$name")"
    lab_wait_for 15 grep '^resolve only-resolved: failed' \
        "$ROOT/runtime/$name/upper/left4dead2/logs/standin.log"
}
