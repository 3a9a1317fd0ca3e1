#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""workload.py ROOT N - makes the specs of N instances below ROOT/instances.

They are as those of real servers: about 27 lines and 560 bytes, 3 to 8 arguments, 5 to 20 lines of config,
up to 6 overlays, some with an alias; a tenth have autostart. The same N makes the same specs."""

import os
import random
import sys

OVERLAYS = [f"overlay-{i}" for i in range(6)]
FIRST_PORT = 27015

ARGUMENTS = [
    "-tickrate 100",
    "+map c{map}m1_start",
    "+sv_lan 0",
    "-maxplayers {players}",
    "+mp_gamemode versus",
    "+exec extra_{map}.cfg",
    "-strictportbind",
    "+sv_tags hidden",
    "-nohltv",
    "+log on",
]
CONFIG = [
    "'hostname \"Versus #{i}\"'",
    "rcon_password hunter{i}",
    "sv_region 3",
    "exec banned_user.cfg",
    "sv_maxrate 100000",
    "sv_minrate 60000",
    "sv_mincmdrate 100",
    "sv_maxcmdrate 100",
    "sv_minupdaterate 100",
    "sv_contact admin{map}@example.org",
    "motd_enabled 0",
    "sv_alltalk 0",
    "sv_pausable 1",
    "z_difficulty normal",
    "sv_consistency 1",
    "sv_steamgroup {i}",
    "sv_search_key group{map}",
    "mp_disable_autokick 1",
    "sv_allow_lobby_connect_only 0",
    "log on",
]


def server(i, random):
    """Server no. I: what a spec says of it, and what the others are told of theirs."""
    values = {"i": i, "map": random.randint(1, 14), "players": random.choice([4, 8])}
    return {
        "port": FIRST_PORT + i,
        "description": f"Versus server no. {i}, friends welcome",
        "autostart": i % 10 == 0,
        "arguments": [a.format(**values) for a in random.sample(ARGUMENTS, random.randint(3, 8))],
        "config": [c.format(**values) for c in random.sample(CONFIG, random.randint(5, 20))],
        "overlays": [
            (overlay, f"alias{n}" if random.random() < 0.3 else None)
            for n, overlay in enumerate(random.sample(OVERLAYS, random.randint(0, 6)))
        ],
    }


def spec(told):
    lines = [f"port: {told['port']}", f"description: {told['description']}"]
    if told["autostart"]:
        lines.append("autostart: true")
    lines += ["arguments:", *(f"  - {a}" for a in told["arguments"])]
    lines += ["config:", *(f"  - {c}" for c in told["config"])]
    if told["overlays"]:
        lines.append("overlays:")
    for path, alias in told["overlays"]:
        lines.append(f"  - path: {path}")
        if alias:
            lines.append(f"    alias: {alias}")
    return "\n".join(lines) + "\n"


def name(i):
    return f"s{i:05}"


def servers(n):
    seeded = random.Random(n)
    return [server(i, seeded) for i in range(n)]


def make(root, n):
    """Returns the text of each spec."""
    texts = [spec(told) for told in servers(n)]
    os.makedirs(os.path.join(root, "instances"), exist_ok=True)
    for i, text in enumerate(texts):
        directory = os.path.join(root, "instances", name(i))
        os.mkdir(directory)
        with open(os.path.join(directory, "spec.yaml"), "w", encoding="ascii") as f:
            f.write(text)
    return texts


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    made = make(sys.argv[1], int(sys.argv[2]))
    if made:
        lines = sum(text.count("\n") for text in made) / len(made)
        size = sum(map(len, made)) / len(made)
        print(f"{len(made)} specs of {lines:.1f} lines and {size:.0f} bytes")
