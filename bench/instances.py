# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmark does with instances, in a machine of its own."""

import json
import os
import subprocess
import sys
import time

from figures import write_part

ROOT = "/var/lib/left4me"
HERE = os.path.dirname(os.path.abspath(__file__))
ETC = "/etc/systemd/system"


def run(*command):
    """What it prints. Of its messages only those of a failure are of interest."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stderr}")
    return done.stdout


def unit(name):
    return f"left4me-server@{name}.service"


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, mode)


def own(path):
    run("chown", "-R", "left4me:left4me", path)


def make_workload(root, number):
    run(sys.executable, f"{HERE}/workload.py", root, str(number))
    own(f"{root}/instances")


def make_overlays():
    """Those that the workload names."""
    for i in range(6):
        layer = f"{ROOT}/overlays/overlay-{i}/left4dead2"
        write(f"{layer}/cfg/server.cfg", "sm_cvar mp_gamemode versus\n" * 20)
        write(f"{layer}/maps/map-{i}.bsp", "a map\n")
    own(f"{ROOT}/overlays")


def lift_start_limit():
    write(f"{ETC}/left4me-server@.service.d/90-bench.conf", "[Unit]\nStartLimitIntervalSec=0\n")


def read_first(name, seconds=20):
    """When the game began, in ns, as it left it; systemctl may be back before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with open(f"{ROOT}/runtime/{name}/merged/first", encoding="ascii") as f:
                return int(f.read())
        except FileNotFoundError:
            time.sleep(0.001)
    raise SystemExit(f"instance {name} did not start:\n" + run("journalctl", "-u", unit(name)))


def remove_first(name):
    for below in ("merged", "upper"):
        try:
            os.unlink(f"{ROOT}/runtime/{name}/{below}/first")
        except FileNotFoundError:
            pass


def main(name, measure, figures_of):
    """Of a part. "measure NUMBER…", in a machine, prints the samples; "figures SAMPLES…", on the
    host, makes the figures of those of each machine."""
    verb, *arguments = sys.argv[1:]
    if verb == "measure":
        version = int(run("systemctl", "--version").split()[1])
        json.dump({"systemd": version, **measure(*map(int, arguments))}, sys.stdout)
        return
    made, series = [], {}
    for path in arguments:
        with open(path, encoding="utf-8") as f:
            samples = json.load(f)
        made += figures_of(samples)
        series[str(samples["systemd"])] = samples
    write_part(name, made, series)
