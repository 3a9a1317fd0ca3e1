# SPDX-License-Identifier: LGPL-2.1-or-later
"""One server, and then 100 more on the same installation, all at once; bench/many runs this.

  many.py measure ROUNDS SERVERS   in the machine: prints the samples
  many.py figures SAMPLES…         on the host: makes the figures of them

The installation has 200 MB in 2,000 files of random bytes, and each server maps and reads 50 MB of
it, as the game does with what it loads. Memory is the host's, MemAvailable of /proc/meminfo: it has
in it what systemd and the kernel take for a server, and what else happens on the host, which has to
be quiet. Of the processes (left4me-run and the game's stand-in) the resident size is told, and what
it is when what is shared is divided (Pss), and the growth of the page cache.

All at once is done for a tenth and a half of the servers, too, and for one alone: what one costs
grows with their number, as systemd reads the table of mounts about a hundred times for each sandbox.
The CPU time is that of the machine's cgroup, all of systemd and its children.

Before the rounds all are started once, which makes their trees: that counts for the disk alone.
"""

import os
import time

from figures import figure
from instances import (ROOT, lift_start_limit, main, make_overlays, make_workload, own, read_first,
                       remove_first, run, unit)

FILES, READ, FILE_SIZE = 2000, 500, 100 * 1024
ALONE = 5  # starts of one server, each round


def write_random(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(os.urandom(FILE_SIZE))


def prepare(further):
    """Returns the names of the instances."""
    lift_start_limit()
    make_overlays()
    game = f"{ROOT}/installation/left4dead2"
    for i in range(FILES):
        write_random(f"{game}/pak/{i}" if i < READ else f"{game}/maps/{i % 20}/{i}")
    make_workload(ROOT, further + 1)
    names = sorted(os.listdir(f"{ROOT}/instances"))
    for name in names:
        with open(f"{ROOT}/instances/{name}/spec.yaml", "a", encoding="utf-8") as f:
            f.write("ready: started\n")
    own(ROOT + "/instances")
    run("systemctl", "daemon-reload")
    os.sync()
    return names


def meminfo():
    """In KiB."""
    with open("/proc/meminfo", encoding="ascii") as f:
        return {line.split(":")[0]: int(line.split()[1]) for line in f}


def process_memory(name):
    """Rss and Pss of all processes of an instance, in KiB."""
    cgroup = run("systemctl", "show", "--value", "--property=ControlGroup", unit(name)).strip()
    memory = {"Rss": 0, "Pss": 0}
    with open(f"/sys/fs/cgroup{cgroup}/cgroup.procs", encoding="ascii") as f:
        pids = f.read().split()
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            for line in f:
                if line.startswith(("Rss:", "Pss:")):
                    memory[line[:3]] += int(line.split()[1])
    return memory


def disk_usage(path):
    """In KiB, without what is mounted there."""
    return int(run("du", "-skx", path).split()[0])


def disk_used():
    """Of the whole file system, in KiB."""
    os.sync()
    fs = os.statvfs(ROOT)
    return (fs.f_blocks - fs.f_bfree) * fs.f_frsize / 1024


def cpu_time():
    """Of the machine, in seconds."""
    with open("/sys/fs/cgroup/cpu.stat", encoding="ascii") as f:
        return int(f.readline().split()[1]) / 1e6


def start_all(names):
    """Seconds until systemctl is back, until the last game began, and of CPU time."""
    for name in names:
        remove_first(name)
    cpu, began = cpu_time(), time.monotonic_ns()
    run("systemctl", "start", *map(unit, names))
    returned = time.monotonic_ns()
    last = max(read_first(name) for name in names)
    return {"n": len(names), "returned": (returned - began) / 1e9, "last": (last - began) / 1e9,
            "cpu": cpu_time() - cpu}


def stop_all(names):
    """Returns how many seconds that took."""
    began = time.monotonic()
    run("systemctl", "stop", *map(unit, names))
    taken = time.monotonic() - began
    mounted = [name for name in names if os.path.ismount(f"{ROOT}/runtime/{name}/merged")]
    if mounted:
        raise SystemExit(f"these are stopped, and mounted yet: {' '.join(mounted)}")
    time.sleep(1)  # what that left to do is not the next start's
    return taken


def measure_disk(first, further):
    """What the trees take that the servers make when they first run, in KiB."""
    start_all([first])
    before = disk_used()
    start_all(further)
    used = (disk_used() - before) / len(further)
    samples = {"each": [disk_usage(f"{ROOT}/runtime/{name}") for name in further], "used": used}
    stop_all([first, *further])
    return samples


def measure_round(first, further):
    start_all([first])
    time.sleep(1)
    before = meminfo()
    starts = [start_all(further)]
    time.sleep(1)  # the kernel frees some of it later
    after = meminfo()
    processes = [process_memory(name) for name in further]
    starts[0]["stopped"] = stop_all(further)
    stop_all([first])
    n = len(further)
    for fewer in [1] * ALONE + [fewer for fewer in (n // 10, n // 2) if fewer > 1]:
        taken = start_all(further[:fewer])
        starts.append({**taken, "stopped": stop_all(further[:fewer])})
    return {
        "starts": starts,
        "memory": (before["MemAvailable"] - after["MemAvailable"]) / n,
        "cache": (after["Cached"] - before["Cached"]) / n,
        "rss": sum(p["Rss"] for p in processes) / n,
        "pss": sum(p["Pss"] for p in processes) / n,
    }


def measure(rounds, servers):
    first, *further = prepare(servers)
    return {
        "further": servers,
        "disk": measure_disk(first, further),
        "rounds": [measure_round(first, further) for _ in range(rounds)],
    }


def figures_of(samples):
    version, rounds = samples["systemd"], samples["rounds"]
    on = f"systemd {version}"
    each = f"for each of {samples['further']} further servers, {on}"

    def of_rounds(key):
        return [r[key] / 1024 for r in rounds]

    made = [
        figure(f"many.{version}.disk", f"disk below runtime/NAME {each}", "KiB",
               samples["disk"]["each"], 64),
        figure(f"many.{version}.disk.used", f"blocks taken of the file system {each}", "KiB",
               [samples["disk"]["used"]]),
        figure(f"many.{version}.memory", f"memory that is less available {each}", "MiB",
               of_rounds("memory")),
        figure(f"many.{version}.cache", f"growth of the page cache {each}", "MiB",
               of_rounds("cache")),
        figure(f"many.{version}.rss", f"resident size of the processes {each}", "MiB",
               of_rounds("rss")),
        figure(f"many.{version}.pss", f"resident size, what is shared divided, {each}", "MiB",
               of_rounds("pss")),
    ]
    starts = [taken for r in rounds for taken in r["starts"]]
    for n in sorted({taken["n"] for taken in starts}):
        servers = f"{n} servers at once" if n > 1 else "a server alone"
        game = "the last game" if n > 1 else "the game"
        start = f"systemctl start of {servers}, {on}"
        for key, what in (("returned", start),
                          ("last", f"{start}, to {game}'s first instruction"),
                          ("cpu", f"{start}: CPU time"),
                          ("stopped", f"systemctl stop of {servers}, {on}")):
            made.append(figure(f"many.{version}.start.{n}.{key}", what, "s",
                               [taken[key] for taken in starts if taken["n"] == n]))
    return made


main("many", measure, figures_of)
