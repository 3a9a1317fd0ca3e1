#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# left4mectl metrics in a real systemd, and the timer and the dashboard that go with it. A parser of
# Prometheus's own reads what is printed.

# bats file_tags=booted,root

# shellcheck disable=SC2154

load lib/left4me.bash
load lib/json.bash

SERVICE=left4me-metrics.service
COLLECTOR=/var/lib/prometheus/node-exporter
FILE=$COLLECTOR/left4me.prom

setup_file() {
    require_built left4mectl
    "$PYTHON" -c 'import prometheus_client' 2>/dev/null ||
        cannot_run 'python3-prometheus-client is not installed'
    machine_boot
    policy <<<$'[Service]\nRestartSec=100ms\nTimeoutStopSec=5\nTimeoutStartSec=30'
    spec running <<<"{port: 27015, arguments: ['+map c2m1_highway', '-maxplayers 8'], config: [standin_players 3]}"
    spec stopped <<<'port: 27016'
    spec silent <<<'{port: 27017, ready: started, watchdog: off, config: [standin_hang 0]}'
    spec refused <<<'port: 0'
    spec failed <<<'{port: 27018, overlays: [gone]}'
    spec hostile <<<'port: 27019'
    # No spec can have such a map, but whoever answers can.
    lab_put /etc/systemd/system/left4me-server@hostile.service.d/map.conf <<'END'
[Service]
Type=exec
ExecStart=
ExecStart=/var/lib/left4me/runtime/%i/merged/srcds_run -game left4dead2 -norestart +hostport 27019 +map "x\\\"y\x1b[2J"
END
    reload
    start running silent hostile
    spec changed <<<'port: 27020'
    lab_run systemctl start "$(unit failed)" || :
    wait_answer 27015 27019
    lab_wait_for 30 systemctl is-failed "$(unit failed)"
    lab_wait_for 20 sh -c 'journalctl -o cat -u left4me-server@silent | grep -x hang'
}

teardown_file() {
    lab_destroy
}

# metrics: $output is what it prints.
metrics() {
    run -0 --separate-stderr lab_run left4mectl metrics
    assert_equal "$stderr" ''
}

# prometheus EXPRESSION < METRICS: what it gives in Python, where v("NAME", server) is the value of
# a sample or None, and families what the parser returned.
prometheus() {
    "$PYTHON" -c '
import sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.buffer.read().decode()))
samples = {(s.name, s.labels.get("server")): s for f in families for s in f.samples}
def v(name, server):
    sample = samples.get(("left4me_server_" + name, server))
    return sample and sample.value
print(eval(sys.argv[1]))' "$1"
}

# value NAME [SERVER…]
values() {
    local name=$1
    shift
    prometheus "[v('$name', s) for s in '$*'.split()]" <<<"$output"
}

@test "an instance is up if it answers, whatever its unit is" {
    local servers='running silent stopped refused failed'
    metrics
    # shellcheck disable=SC2086
    assert_equal "$(values up $servers)" '[1.0, 0.0, 0.0, 0.0, 0.0]'
    # shellcheck disable=SC2086
    assert_equal "$(values running $servers)" '[1.0, 1.0, 0.0, 0.0, 0.0]'
    # shellcheck disable=SC2086
    assert_equal "$(values failed $servers)" '[0.0, 0.0, 0.0, 0.0, 1.0]'
}

@test "what a server says is there if it says it" {
    metrics
    assert_equal "$(values players running silent stopped)" '[3.0, None, None]'
    assert_equal "$(values max_players running silent stopped)" '[8.0, None, None]'
    assert_equal "$(values bots running silent stopped)" '[1.0, None, None]'
    run -0 prometheus '0 < v("query_latency_seconds", "running") < 1.5' <<<"$output"
    assert_output True
}

@test "numbers of the unit are systemd's" {
    local started
    metrics
    started=$(lab_run busctl get-property org.freedesktop.systemd1 \
        /org/freedesktop/systemd1/unit/left4me_2dserver_40running_2eservice \
        org.freedesktop.systemd1.Unit ActiveEnterTimestamp)
    run -0 grep -xF "left4me_server_start_time_seconds{server=\"running\"} ${started:2:10}.${started:12}" \
        <<<"$output"
    metrics
    run -0 prometheus 'v("cpu_seconds_total", "running") > 0 and v("start_time_seconds", "stopped") is None' \
        <<<"$output"
    assert_output True
    [[ $(property running MemoryCurrent) == '[not set]' ]] || {
        metrics
        run -0 prometheus 'v("memory_bytes", "running") > 65536' <<<"$output"
        assert_output True
    }
}

@test "a restart by systemd is counted" {
    lab_run systemctl kill --signal KILL "$(unit silent)"
    lab_wait_for 20 sh -c '[ "$(systemctl show --value -p NRestarts left4me-server@silent)" = 1 ]'
    metrics
    assert_equal "$(values restarts_total silent running)" '[1.0, 0.0]'
}

@test "specs that are refused or not compiled are told" {
    metrics
    assert_equal "$(values spec_valid running refused changed)" '[1.0, 0.0, 1.0]'
    assert_equal "$(values needs_reload running refused changed)" '[0.0, 0.0, 1.0]'
}

@test "one that runs and cannot be asked is neither up nor down" {
    spec running <<<'port: 0'
    metrics
    spec running <<<"{port: 27015, arguments: ['+map c2m1_highway', '-maxplayers 8'], config: [standin_players 3]}"
    assert_equal "$(values up running)" '[None]'
    assert_equal "$(values running running)" '[1.0]'
}

@test "what a server says of its map cannot forge a line, and is escaped once" {
    run -0 json 'ascii(j[0]["info"]["map"])' <<<"$(lab_run left4mectl --json query hostile)"
    assert_output "'x\\\\\"y\\x1b[2J'"
    metrics
    run -1 grep -P '\x1b' <<<"$output"
    metrics
    run -0 prometheus 'samples["left4me_server_info", "hostile"].labels["map"]' <<<"$output"
    assert_output 'x\"y\x1b[2J'
}

@test "each metric has its HELP and TYPE once, before its samples, and a name by the rules" {
    metrics
    run -0 prometheus '[f.name for f in families if not f.documentation or f.type not in ("gauge", "counter")]' \
        <<<"$output"
    assert_output '[]'
    metrics
    run -0 prometheus 'all(s.name.endswith("_total") == (f.type == "counter") for f in families for s in f.samples)' \
        <<<"$output"
    assert_output True
    metrics
    run -0 awk '/^# (HELP|TYPE)/ { print $2, $3 }' <<<"$output"
    assert_equal "$(sort <<<"$output" | uniq -d)" ''
}

@test "left4mectl(1) lists the metrics that are printed, and no other" {
    metrics
    run -0 diff -u <(sed -n 's/^\*\(left4me_[a-z_]*\)\*$/\1/p' "$SOURCE/man/left4mectl.1.scd" | sort) \
        <(sed -n 's/^# TYPE \([a-z_0-9]*\) .*/\1/p' <<<"$output" |
            if [[ $(property running MemoryCurrent) == '[not set]' ]]; then cat - <(echo left4me_server_memory_bytes); else cat; fi | sort)
}

@test "the dashboard is JSON and asks for metrics that are printed" {
    local names
    names=$(json '" ".join(sorted(set(__import__("re").findall(r"left4me_[a-z_]+", json.dumps([p["targets"] for p in j["panels"]] + j["templating"]["list"])))))' \
        <"$SOURCE/examples/grafana-dashboard.json")
    [[ $names == *left4me_server_up* ]]
    metrics
    for name in $names; do
        [[ $name == left4me_server_memory_bytes ]] || run -0 grep "^# TYPE $name " <<<"$output"
        metrics
    done
}

# --- The file ---------------------------------------------------------------------------------

@test "the file appears whole, in the place of the former, readable by all" {
    lab_run mkdir -p /run/out
    lab_run sh -c 'echo old >/run/out/m.prom && chmod 0600 /run/out/m.prom'
    run -0 --separate-stderr lab_run sh -c \
        'exec 3</run/out/m.prom; umask 077; left4mectl metrics --output /run/out/m.prom; cat <&3'
    assert_output old
    assert_equal "$stderr" ''
    run -0 lab_run stat -c '%a %U' /run/out/m.prom
    assert_output '644 root'
    run -0 lab_run ls -A /run/out
    assert_output m.prom
    run -0 lab_run grep -c '^left4me_server_up' /run/out/m.prom
}

@test "a file that cannot be written is told, and nothing is left" {
    run -1 --separate-stderr lab_run left4mectl metrics --output /run/nowhere/m.prom
    assert_equal "$stderr" "left4mectl: cannot write '/run/nowhere/m.prom': No such file or directory"
    lab_run mkdir -p /run/out/directory.prom
    run -1 --separate-stderr lab_run left4mectl metrics --output /run/out/directory.prom
    assert_equal "$stderr" "left4mectl: cannot write '/run/out/directory.prom': Is a directory"
    lab_run rmdir /run/out/directory.prom
    run -0 lab_run find /run/out -name '.left4mectl*'
    assert_output ''
    run -1 --separate-stderr lab_run sh -c 'left4mectl metrics >/dev/full'
    assert_equal "$stderr" 'left4mectl: cannot write to standard output: No space left on device'
}

@test "without systemd, or the right to see specs, there are no metrics and the file stays" {
    run -1 --separate-stderr lab_run unshare --mount sh -c \
        'mount -t tmpfs tmpfs /run/dbus; exec left4mectl metrics --output /run/out/none.prom'
    assert_equal "$stderr" 'left4mectl: there are no metrics: systemd cannot be asked'
    run -1 --separate-stderr lab_run setpriv --reuid nobody --regid nogroup --clear-groups left4mectl metrics
    assert_output ''
    assert_equal "$stderr" "left4mectl: cannot read '$ROOT/instances': permission denied: those may who are root or in group left4me"
    run -1 lab_run test -e /run/out/none.prom
}

# --- The service and its timer ------------------------------------------------------------------

@test "without the exporter's directory the service is skipped" {
    lab_run rm -rf /var/lib/prometheus
    lab_run systemctl start $SERVICE
    run -0 lab_run systemctl show --value -p ConditionResult -p Result $SERVICE
    assert_output $'success\nno'
}

@test "the service writes the file, by a user who may write nothing" {
    lab_run mkdir -p $COLLECTOR
    lab_run systemctl start $SERVICE
    run -0 lab_run stat -c '%a %U:%G' $FILE
    assert_output '644 root:root'
    run -0 lab_run ls -A $COLLECTOR
    assert_output left4me.prom
    run -0 lab_run cat $FILE
    assert_equal "$(values up running silent refused)" '[1.0, 0.0, 0.0]'
    assert_equal "$(values spec_valid running refused)" '[1.0, 0.0]'
    # By its own user it could not.
    run -1 lab_run runuser -u left4me-metrics -- touch $FILE
}

@test "a service that fails leaves the former file, and the next one mends it" {
    local before
    lab_run mkdir -p $COLLECTOR
    lab_run systemctl start $SERVICE
    before=$(lab_run stat -c %i $FILE)
    lab_put /run/systemd/system/$SERVICE.d/fail.conf <<<$'[Service]\nInaccessiblePaths=/run/dbus'
    reload
    run -1 lab_run systemctl start $SERVICE
    lab_run rm /run/systemd/system/$SERVICE.d/fail.conf
    reload
    assert_equal "$(lab_run stat -c %i $FILE)" "$before"
    run -0 lab_journal $SERVICE
    assert_output --partial 'there are no metrics: systemd cannot be asked'
    lab_run systemctl start $SERVICE
    refute [ "$(lab_run stat -c %i $FILE)" = "$before" ]
    run -0 lab_run ls -A $COLLECTOR
    assert_output left4me.prom
}

@test "a server at another address of this host is asked by the service too" {
    lab_run ip link add v0 type veth peer name v1
    lab_run ip addr add 192.0.2.7/24 dev v0
    lab_run ip link set v0 up
    lab_run ip link set v1 up
    spec address <<<'{port: 27050, arguments: [-ip 192.0.2.7]}'
    reload
    start address
    lab_wait_for 20 left4mectl query address
    lab_run mkdir -p $COLLECTOR
    lab_run systemctl start $SERVICE
    run -0 lab_run cat $FILE
    assert_equal "$(values up address)" '[1.0]'
    stop address
    lab_run rm -rf "$ROOT/instances/address"
    lab_run ip link del v0
}

@test "the timer, which is off, starts the service twice a minute, without filling the journal" {
    run -1 lab_run systemctl is-enabled left4me-metrics.timer
    assert_output disabled
    lab_run rm -rf $COLLECTOR/left4me.prom
    lab_put /run/systemd/system/left4me-metrics.timer.d/soon.conf <<<$'[Timer]\nOnCalendar=*:*:*'
    reload
    lab_run journalctl --quiet --rotate --vacuum-time=1us
    lab_run systemctl enable --now left4me-metrics.timer
    lab_wait_for 20 test -e $FILE
    lab_run systemctl disable --now left4me-metrics.timer
    lab_run rm /run/systemd/system/left4me-metrics.timer.d/soon.conf
    reload
    run lab_journal $SERVICE --quiet
    assert_output ''
}

@test "the service is exposed as little as its work allows" {
    run -0 lab_run systemd-analyze security --no-pager $SERVICE
    assert_output --regexp 'Overall exposure level for left4me-metrics.service: 1\.[0-3]'
}

@test "without instances there is a file, and no failure" {
    stop running silent hostile
    lab_run systemctl reset-failed
    lab_run sh -c "rm -rf $ROOT/instances/*"
    reload
    lab_run systemctl start $SERVICE
    run -0 lab_run grep -v '^#' $FILE
    assert_output --regexp '^left4me_build_info\{version="[^"]+"\} 1$'
    lab_run rm -rf "$ROOT/instances"
    lab_run systemctl start $SERVICE
    run -0 lab_run grep -v '^#' $FILE
    assert_output --regexp '^left4me_build_info\{version="[^"]+"\} 1$'
}
