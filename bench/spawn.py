# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program and tells what it cost.

  spawn.py ROUNDS COMMAND…   prints the wall and CPU time of each round, in ms

The kernel counts a process's CPU time in nanoseconds, whatever its tick is: only the division into
user's and system's is guessed from ticks. So their sum is right also for what takes a millisecond.
"""

import json
import os
import sys
import time


def spawn(command, env=None, output=None):
    """Runs COMMAND; what it prints goes to descriptor OUTPUT, if given. Returns wall and CPU time
    in ms, and the exit status. No fork(): its copying would be on the child's account."""
    actions = [(os.POSIX_SPAWN_DUP2, output, fd) for fd in (1, 2)] if output is not None else []
    began = time.monotonic_ns()
    pid = os.posix_spawnp(command[0], command, os.environ if env is None else env,
                          file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = (time.monotonic_ns() - began) / 1e6
    return wall, (usage.ru_utime + usage.ru_stime) * 1e3, os.waitstatus_to_exitcode(status)


def cost(command, env=None):
    """The same, of what has to succeed: wall and CPU time."""
    wall, cpu, status = spawn(command, env)
    if status != 0:
        raise SystemExit(f"{command}: exit status {status}")
    return wall, cpu


if __name__ == "__main__":
    json.dump([cost(sys.argv[2:]) for _ in range(int(sys.argv[1]))], sys.stdout)
