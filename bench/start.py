# SPDX-License-Identifier: LGPL-2.1-or-later
"""The start of a server, measured in a booted machine; bench/start runs this.

  start.py measure ROUNDS     in the machine: prints the samples
  start.py figures SAMPLES…   on the host: makes the figures of them

Three instances of one spec take turns, round by round: "ours", the unit as it is installed; "true",
/bin/true in the place of each helper and a copy of the installation in the place of the mount; and
"python", a Python program with PyYAML in the place of left4me-stage alone. The spec says "ready:
started", so that nobody waits for an answer.

The helpers' CPU time is taken outside the sandbox, with the environment that the unit gives them.
In left4me-stage's, RestrictSUIDSGID= has openat2() fail with ENOSYS, and it goes another way: here
no-openat2 does that, and what it takes itself counts as stage's.

The generator is timed in the reload itself: a script of its name in /etc takes its place, and calls
it. The start of bash, which runs that script, is in the reload's time and not in the generator's.
The 1,000 instances are enabled, so all their units are loaded anew.
"""

import json
import os
import shutil
import subprocess
import sys
import time

from figures import figure, ratio_figure
from instances import (ETC, HERE, ROOT, lift_start_limit, main, make_overlays, make_workload, own,
                       read_first, remove_first, run, unit, write)
from spawn import cost

VARIANTS = ("ours", "true", "python")
RELOADED = 1000
LINES = 27  # of a spec of the workload

TRUE = """\
[Service]
ExecStartPre=
ExecStartPre=/bin/true
ExecStartPre=+/bin/true
ExecStopPost=
ExecStopPost=+/bin/true
"""

PYTHON = f"""\
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/python3 {HERE}/stage.py %i
ExecStartPre=+HELPERS/left4me-overlay mount %i
"""

TIMED_GENERATOR = """#!/bin/bash
began=${EPOCHREALTIME/[.,]/}
/lib/systemd/system-generators/left4me-generator "$@"
ended=${EPOCHREALTIME/[.,]/}
echo $((ended - began)) >/run/left4me-generator.usec
"""


# --- The start -----------------------------------------------------------------------------------


def typical_spec():
    """The text of a spec of the workload that is in the middle: of those with three overlays and an
    alias the one that is nearest to LINES."""
    import yaml  # not on the host

    make_workload("/tmp/workload", 100)
    typical = []
    for name in sorted(os.listdir("/tmp/workload/instances")):
        with open(f"/tmp/workload/instances/{name}/spec.yaml", encoding="utf-8") as f:
            text = f.read()
        spec = yaml.load(text, Loader=yaml.CSafeLoader)
        overlays = spec.get("overlays", [])
        if len(overlays) == 3 and any(isinstance(o, dict) and "alias" in o for o in overlays):
            typical.append((text, spec))
    return min(typical, key=lambda candidate: abs(candidate[0].count("\n") - LINES))


def helpers():
    """The directory of the installed helpers: the unit knows."""
    text = run("systemctl", "cat", unit("x"))
    line = next(line for line in text.splitlines() if line.startswith("ExecStartPre="))
    return os.path.dirname(line.removeprefix("ExecStartPre=").split()[0])


def prepare_start():
    text, spec = typical_spec()
    lift_start_limit()
    make_overlays()
    write(f"{ETC}/{unit('true')}.d/90-bench.conf", TRUE)
    write(f"{ETC}/{unit('python')}.d/90-bench.conf", PYTHON.replace("HELPERS", helpers()))

    lines = [line for line in text.splitlines() if not line.startswith(("port:", "autostart:"))]
    for port, name in enumerate(VARIANTS, 27015):
        spec_lines = [f"port: {port}", "ready: started", *lines]
        write(f"{ROOT}/instances/{name}/spec.yaml", "\n".join(spec_lines) + "\n", 0o640)
    own(f"{ROOT}/instances")

    for beside in ("upper", "work"):
        os.makedirs(f"{ROOT}/runtime/true/{beside}")
    shutil.copytree(f"{ROOT}/installation", f"{ROOT}/runtime/true/merged")
    own(f"{ROOT}/runtime/true")
    run("systemctl", "daemon-reload")
    return spec


def time_start(name):
    """ms from the call of systemctl to the first instruction of the game."""
    remove_first(name)
    time.sleep(0.1)  # what the stop before left to do is not this one's
    began = time.monotonic_ns()
    run("systemctl", "start", unit(name))
    first = read_first(name)
    run("systemctl", "stop", unit(name))
    return (first - began) / 1e6


def measure_starts(rounds):
    starts = []
    for i in range(-2, rounds):
        turn = i % len(VARIANTS)  # each is first, second and last
        times = {name: time_start(name) for name in VARIANTS[turn:] + VARIANTS[:turn]}
        if i >= 0:
            starts.append(times)
    return starts


# --- The helpers' CPU time -----------------------------------------------------------------------


def unit_environment(name):
    """As the main process has it."""
    run("systemctl", "start", unit(name))
    pid = run("systemctl", "show", "--value", "--property=MainPID", unit(name)).strip()
    with open(f"/proc/{pid}/environ", "rb") as f:
        pairs = [entry.split("=", 1) for entry in os.fsdecode(f.read()).split("\0") if entry]
    run("systemctl", "stop", unit(name))
    systemds_own = ("LISTEN_", "NOTIFY_", "WATCHDOG_")
    return {key: value for key, value in pairs if not key.startswith(systemds_own)}


def measure_helpers(rounds):
    env = unit_environment("ours")
    directory = helpers()
    stage = subprocess.run(
        ["setpriv", "--reuid=left4me", "--regid=left4me", "--init-groups", sys.executable,
         f"{HERE}/spawn.py", str(rounds),
         f"{HERE}/no-openat2", f"{directory}/left4me-stage", "ours"],
        env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    samples = {"stage": json.loads(stage), "mount": [], "umount": [], "true": []}
    for _ in range(rounds):
        samples["mount"].append(cost([f"{directory}/left4me-overlay", "mount", "ours"], env))
        samples["umount"].append(cost([f"{directory}/left4me-overlay", "umount", "ours"], env))
        samples["true"].append(cost(["/bin/true"], env))
    return samples


# --- The reload ----------------------------------------------------------------------------------


def prepare_reload():
    for name in VARIANTS:
        shutil.rmtree(f"{ROOT}/instances/{name}")
    make_workload(ROOT, RELOADED)
    wants = f"{ETC}/left4me-servers.target.wants"
    os.makedirs(wants, exist_ok=True)
    template = run("systemctl", "show", "--value", "--property=FragmentPath", unit("x")).strip()
    for name in os.listdir(f"{ROOT}/instances"):
        os.symlink(template, f"{wants}/{unit(name)}")
    write("/etc/systemd/system-generators/left4me-generator", TIMED_GENERATOR, 0o755)


def measure_reloads(rounds):
    reloads = []
    for i in range(-1, rounds):
        reload, _ = cost(["systemctl", "daemon-reload"])
        with open("/run/left4me-generator.usec", encoding="ascii") as f:
            generator = int(f.read()) / 1e3
        if i >= 0:
            reloads.append((generator, reload))
    loaded = run("systemctl", "list-units", "--all", "--no-legend", unit("s*")).count("\n")
    if loaded != RELOADED:
        raise SystemExit(f"{loaded} units are loaded, not {RELOADED}")
    return reloads


# --- Figures -------------------------------------------------------------------------------------


def measure(rounds):
    spec = prepare_start()
    samples = {
        "overlays": len(spec["overlays"]),
        "starts": measure_starts(rounds),
        "helpers": measure_helpers(rounds * 10),
    }
    prepare_reload()
    samples["reloads"] = measure_reloads(max(rounds // 4, 3))
    return samples


def figures_of(samples):
    starts, helpers_cost, reloads = samples["starts"], samples["helpers"], samples["reloads"]
    version = samples["systemd"]
    on = f"systemd {version}"
    start = f"systemctl start to the game's first instruction, {on}"
    with_overlays = f"with {samples['overlays']} overlays, {on}"
    reload = f"daemon-reload with {RELOADED:,} enabled instances, {on}"

    def pairs(name):
        return [(times["ours"], times[name]) for times in starts]

    made = [
        ratio_figure(f"start.{version}.true", f"{start}: our helpers / /bin/true in their places",
                     pairs("true"), 1.15),
        ratio_figure(f"start.{version}.python",
                     f"{start}: our helpers / Python in the place of stage", pairs("python")),
    ]
    for name in VARIANTS:
        made.append(figure(f"start.{version}.{name}.ms", f"{start}: {name}", "ms",
                           [times[name] for times in starts]))
    for name, what, target in (
            ("stage", f"left4me-stage as in the sandbox, {with_overlays}", 2),
            ("mount", f"left4me-overlay mount {with_overlays}", 1),
            ("umount", f"left4me-overlay umount {with_overlays}", None),
            ("true", f"/bin/true, {on}", None)):
        made.append(figure(f"cpu.{version}.{name}", f"CPU time of {what}", "ms",
                           [cpu for _, cpu in helpers_cost[name]], target))
    made += [
        figure(f"reload.{version}.share", f"the generator's share of a {reload}", "share",
               [generator / whole for generator, whole in reloads], 0.10),
        figure(f"reload.{version}.ms", reload, "ms", [whole for _, whole in reloads]),
        figure(f"reload.{version}.generator", f"the generator within a {reload}", "ms",
               [generator for generator, _ in reloads]),
    ]
    return made


main("start", measure, figures_of)
