#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which processes use accelerators: reads fdinfo as the kernel's drm-usage-stats.rst defines it.

  gaontop.py [SECONDS]           use in the next SECONDS (default 1), by process
  gaontop.py --test COMMAND...   runs the command, watches it, and checks what fdinfo says meanwhile (TAP)
"""
import itertools
import os
import re
import subprocess
import sys
import time

_UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}
_KEY = re.compile(r"^drm-[a-z0-9-]+$")


def parse(text):
    """{key: value} of one fdinfo; numbers with their units as integers (bytes, ns, Hz, cycles)."""
    out = {}
    for line in text.splitlines():
        key, separator, value = line.partition(":")
        if not separator or not _KEY.match(key):
            continue
        number = re.fullmatch(r"\s*(\d+)(?: (KiB|MiB|ns|Hz|))?\s*", value)
        out[key] = int(number[1]) * _UNITS.get(number[2] or "", 1) if number else value.strip()
    return out


def clients(driver="gaon"):
    """{(device, client): (pid, fdinfo)}; a client that several files or processes share counts once."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("/dev/accel/"):
                    continue
                with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                    info = parse(file.read())
                if info.get("drm-driver") == driver:
                    found[info.get("drm-pdev"), info.get("drm-client-id")] = (int(pid), info)
        except OSError:
            continue        # it has ended meanwhile
    return found


def use(before, after, cycles=("drm-cycles-core", "drm-total-cycles-core")):
    """Engines that a client used between two readings, 0 to their number; None if it cannot be told."""
    try:
        mine, all_of_it = (after[key] - before[key] for key in cycles)
    except KeyError:
        return None
    return mine / all_of_it if all_of_it > 0 else None


def top(seconds):
    """Prints a table."""
    first = clients()
    time.sleep(seconds)
    print(f"{'PID':>8} {'DEVICE':14} {'USE':>6} {'ENGINE ms':>10} {'MEMORY KiB':>11}  COMMAND")
    for key, (pid, info) in sorted(clients().items()):
        share = use(first[key][1], info) if key in first else None
        memory = sum(value for name, value in info.items() if name.startswith("drm-total-") and
                     "cycles" not in name and isinstance(value, int))
        with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
            command = file.read().strip()
        shown = "-" if share is None else f"{share:.1%}"
        print(f"{pid:8} {key[0]:14} {shown:>6} {info.get('drm-engine-core', 0) / 1e6:10.1f} "
              f"{memory >> 10:11}  {command}")


class Watch:
    """What fdinfo says of a process while it works."""

    def __init__(self):
        self.number = self.bad = 0

    def check(self, good, what):
        """One line of TAP."""
        self.number += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {what}", flush=True)

    def run(self, command):
        """Returns the exit status."""
        samples = []
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                samples += [info for pid, info in clients().values() if pid == process.pid]
                time.sleep(0.05)
            self.check(process.returncode == 0, f"{command[0]} ends with {process.returncode}")
        self.check(len(samples) >= 2, f"{len(samples)} readings")
        last = max(samples, key=lambda info: info.get("drm-cycles-core", 0), default={})
        for key, kind in (("drm-driver", str), ("drm-pdev", str), ("drm-client-id", int),
                          ("drm-engine-core", int), ("drm-cycles-core", int),
                          ("drm-total-cycles-core", int), ("drm-maxfreq-core", int)):
            self.check(isinstance(last.get(key), kind), f"{key}: {last.get(key)}")
        regions = {key: value for key, value in last.items() if key.startswith(("drm-total-", "drm-resident-"))
                   and "cycles" not in key}
        self.check(sorted(regions) == [f"drm-{kind}-{region}" for kind in ("resident", "total")
                                       for region in ("hbm", "host")] and any(regions.values()),
                   f"memory by region: {regions}")
        self.check(last.get("drm-cycles-core", 0) > 0, "its time on the device is counted")
        same = [info for info in samples if info.get("drm-client-id") == last.get("drm-client-id")]
        grows = all(a.get("drm-cycles-core", 0) <= b.get("drm-cycles-core", 0) for a, b in zip(same, same[1:]))
        self.check(grows, "cycles never fall")
        # The two counts of a reading are not of the same moment: a launch that ends in between is in one of them. That
        # is much of the time between two readings of a slow kernel, and little of half a run.
        ends = [same[0], same[len(same) // 2], same[-1]] if same else []
        shares = [use(a, b) for a, b in itertools.combinations(ends, 2)]
        shares = [share for share in shares if share is not None]
        most = last.get("drm-engine-capacity-core", 1)
        self.check(shares and all(0 <= share <= 1.01 * most for share in shares),
                   f"use is between 0 and {most} engines: at most {max(shares, default=-1):.4f}")
        return self.bad != 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--test"]:
        sys.exit(Watch().run(sys.argv[2:]))
    if sys.argv[1:2] in (["--help"], ["-h"]):
        print(__doc__)
        sys.exit(0)
    top(float(sys.argv[1]) if len(sys.argv) > 1 else 1)
