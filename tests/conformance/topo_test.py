#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon topo` on recorded trees: the matrix against paths in sysfs, worked out here in another way."""
import itertools
import os
import random
import re
import shutil
import sys
import tempfile

import recorded
from recorded_run import document, expect, finish, report, run


def parents(root, address):
    """Names of the directories above a function, from the host bridge on; and its NUMA node."""
    real = os.path.realpath(os.path.join(root, "sys/bus/pci/devices", address))
    with open(os.path.join(real, "numa_node"), encoding="ascii") as file:
        return real.split("/devices/", maxsplit=1)[1].split("/"), int(file.read())


def relation(root, one, two):
    """By the ancestor that both have: how many bridges are passed below it."""
    (mine, node), (other, other_node) = parents(root, one), parents(root, two)
    if mine[0] != other[0]:
        return "?" if min(node, other_node) < 0 else "NODE" if node == other_node else "SYS"
    common = os.path.commonpath(["/".join(mine), "/".join(other)]).split("/")
    if len(common) == 1:
        return "PHB"
    passed = [len(path) - len(common) - 1 for path in (mine, other)]
    return "PIX" if max(passed) <= 1 else "PXB"


def compare(root, what):
    """All pairs of a machine."""
    topo = document(root, "topo")
    if not topo:
        return None
    address = {d["name"]: d["address"] for d in topo["devices"]}
    want = {(a, b): relation(root, address[a], address[b]) for a, b in itertools.combinations(address, 2)}
    got = {(p["a"], p["b"]): p["relation"] for p in topo["pairs"]}
    report(f"topo: {what}: what lies between {len(want)} pairs", got == want, {k: (got.get(k), want[k]) for k in want if
                                                                             got.get(k) != want[k]})
    return topo


def random_machine(root, numbers):
    """Cards anywhere below switches below switches."""
    number = 0
    buses = itertools.count(1)
    recorded.nodes(root)

    def fill(path, depth, numa):
        nonlocal number
        for port in range(numbers.randrange(1, 4)):
            bus = f"{next(buses):02x}"
            below = f"{path}/0000:{bus}:{port:02x}.0"
            if depth == 0 or numbers.random() < 0.4:
                recorded.card(root, number, below, numa)
                number += 1
            else:
                recorded.bridge(root, below, numa)
                fill(below, depth - 1, numa)

    for host in range(numbers.randrange(1, 4)):
        fill(f"/sys/devices/pci0000:{host * 0x40:02x}", numbers.randrange(4), numbers.choice((-1, 0, 1)))
    recorded.module(root)


def test_machines(work, root):
    topo = compare(root, "two switches")
    speeds = {(p["a"], p["b"]): p["mbps"] for p in topo["pairs"]}
    # 8 GT/s, 8 lanes, 128 of 130 bits; the ports above are faster.
    report("topo: the slowest link between them", set(speeds.values()) == {8000 * 128 // 130}, speeds)
    report("topo: nodes", topo["nodes"] == [{"node": 0, "cpus": "0-15", "distances": [10, 21]},
                                            {"node": 1, "cpus": "16-31", "distances": [21, 10]}], topo["nodes"])
    full = os.path.join(work, "chassis")
    recorded.chassis(full)
    topo = compare(full, "a chassis")
    report("topo: all relations but one are there", {p["relation"] for p in topo["pairs"]} == {"PIX", "PXB", "PHB", "NODE", "SYS"},
           topo["pairs"])
    text = run(full, "topo").stdout
    report("topo: a row of the matrix", re.search(
        r"^accel1 +PIX +X +PXB +PXB +SYS +SYS +SYS +SYS +0 +7\.9 GB/s +0-15$", text, re.M), text)
    report("topo: the tree", "host bridge pci0000:00, NUMA node 0\n`-- 0000:00:01.0  16.0 GT/s x16\n"
           "    `-- 0000:01:00.0  16.0 GT/s x16\n        |-- 0000:02:00.0  16.0 GT/s x16\n" in text and
           "        |       |-- 0000:04:00.0  16.0 GT/s x16\n"
           "        |       |   `-- accel0 0000:05:00.0  8.0 GT/s x8 of 16.0 GT/s x16\n" in text and
           text.count("`-- ") + text.count("|-- ") == 8 + 14, text)
    report("topo: distances", "node 1: CPUs 16-31; distances 21 10" in text, text)
    report("topo: no colours but on a terminal", "\x1b" not in text)
    seed = random.randrange(1 << 32)
    numbers = random.Random(seed)
    for turn in range(8):
        place = os.path.join(work, f"random{turn}")
        random_machine(place, numbers)
        compare(place, f"seed {seed}, machine {turn}")


def test_bad(work, root):
    empty = os.path.join(work, "empty")
    os.mkdir(empty)
    expect(empty, "topo without a card", 1, "topo", err="shows no card; `gaon doctor` says why")
    none = document(empty, "topo")
    report("topo without a card, as JSON", none == {"devices": [], "pairs": [], "nodes": [], "links": [], "tori": [], "faults": []}, none)
    expect(root, "topo takes nothing", 2, "topo", "accel0", err="usage")
    copy = os.path.join(work, "bad")
    shutil.copytree(root, copy, symlinks=True)
    link = os.path.join(copy, "sys/bus/pci/devices/0000:81:00.0")
    for target in ("../../../devices/pci0000:80", "nothing", "../../../devices/pci0000:80/" + "0000:80:01.0/" * 60 + "x",
                   "../../../devices/pci0000:80/\x1b[2J/0000:81:00.1"):
        os.remove(link)
        os.symlink(target, link)
        topo = document(copy, "topo")
        device = [d for d in topo["devices"] if d["address"] == "0000:81:00.0"]
        report(f"topo: a link to {target[:30]!r}", not device or (device[0]["host_bridge"] is None and not device[0]["path"]),
               device)
    for name, text in (("node0/distance", "10 x"), ("node0/cpulist", "\x1b[2J"), ("node1/distance", "-5 9999999999"),
                       ("node1/cpulist", ""), ("node9999999/cpulist", "1")):
        recorded.put(copy, "sys/devices/system/node/" + name, text)
    nodes = document(copy, "topo")["nodes"]
    report("topo: absurd nodes", nodes == [{"node": 0, "cpus": None, "distances": [10]}, {"node": 1, "cpus": None,
                                                                                         "distances": []}], nodes)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        test_machines(work, root)
        test_bad(work, root)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
