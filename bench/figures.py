# SPDX-License-Identifier: LGPL-2.1-or-later
"""What all parts of the benchmark write: figures, with how far they spread."""

import json
import os
import platform
import statistics
import time


def quartiles(samples):
    """(lower quartile, median, upper quartile)"""
    if len(samples) == 1:
        return (samples[0],) * 3
    return tuple(statistics.quantiles(samples, n=4, method="inclusive"))


def figure(id, what, unit, samples, target=None):
    """The median of SAMPLES; TARGET is the most that it should be."""
    low, middle, high = quartiles(samples)
    result = {
        "id": id,
        "what": what,
        "unit": unit,
        "value": middle,
        "low": low,
        "high": high,
        "n": len(samples),
    }
    if target is not None:
        result["target"] = target
    return result


def ratio_figure(id, what, pairs, target=None):
    """The median of a/b over PAIRS, each of one round."""
    return figure(id, what, "ratio", [a / b for a, b in pairs], target)


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    release = platform.freedesktop_os_release()
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "kernel": platform.release(),
        "system": release["PRETTY_NAME"],
    }


def write_part(name, figures, series=None):
    path = os.path.join(os.environ["OUT"], name + ".json")
    with open(path + ".new", "w", encoding="utf-8") as f:
        json.dump({"machine": machine(), "figures": figures, "series": series or {}}, f, indent=1)
        f.write("\n")
    os.rename(path + ".new", path)
