# SPDX-License-Identifier: LGPL-2.1-or-later
"""stage.py NAME - what left4me-stage does, as one would write it in Python: for the benchmark."""

import os
import shutil
import sys

import yaml

ROOT = "/var/lib/left4me"


def main(name):
    with open(f"{ROOT}/instances/{name}/spec.yaml", encoding="utf-8") as f:
        spec = yaml.load(f, Loader=yaml.CSafeLoader)

    runtime = f"{ROOT}/runtime/{name}"
    cfg = f"{runtime}/upper/left4dead2/cfg"
    for directory in (f"{runtime}/work", f"{runtime}/merged", cfg):
        os.makedirs(directory, exist_ok=True)
    for entry in os.listdir(cfg):
        if entry.startswith("server") and entry.endswith(".cfg"):
            os.unlink(f"{cfg}/{entry}")

    config = spec.get("config", [])
    if isinstance(config, list):
        config = "".join(f"{line}\n" for line in config)
    with open(f"{cfg}/server.cfg", "w", encoding="utf-8") as f:
        f.write(config)

    for overlay in spec.get("overlays", []):
        if not isinstance(overlay, dict) or "alias" not in overlay:
            continue
        source = f"{ROOT}/overlays/{overlay['path']}/left4dead2/cfg/server.cfg"
        if os.path.exists(source):
            shutil.copy2(source, f"{cfg}/server_{overlay['alias']}.cfg")


main(sys.argv[1])
