#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""topo.py GAON: `gaon topo` of a machine with two cards, against the bridges that lspci shows."""
import json
import os
import re
import subprocess
import sys

from tap import check, finish


def said(*command):
    """Standard output of a command that must succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


topo = json.loads(said(sys.argv[1], "topo", "--json"))
print(f"# {json.dumps(topo)}")
cards = sorted(line.split()[0] for line in said("lspci", "-D", "-n", "-d", "1234:6a10").splitlines())
check(sorted(d["address"] for d in topo["devices"]) == cards, "as many cards as lspci shows", cards)
for device in topo["devices"]:
    # -PP: "00:03.0/01:00.0/02:00.0", the way through all bridges.
    way = said("lspci", "-PP", "-s", device["address"]).split()[0].split("/")
    check([step["address"] for step in device["path"]] == ["0000:" + step for step in way], f"the way to {device['name']}: {way}",
          device["path"])
paths = [[device["host_bridge"]] + [step["address"] for step in device["path"]] for device in topo["devices"]]
for pair in topo["pairs"]:
    mine, other = (paths[[d["name"] for d in topo["devices"]].index(pair[end])] for end in "ab")
    same = sum(1 for a, b in zip(mine, other) if a == b)
    want = "PHB" if same == 1 else ("PIX" if max(len(mine), len(other)) - same <= 2 else "PXB")
    check(pair["relation"] == want, f"{pair['a']} and {pair['b']}: {want}", pair)
node = "/sys/devices/system/node/node0/cpulist"
if os.path.exists(node):
    with open(node, encoding="ascii") as file:
        check(topo["nodes"][0]["cpus"] == file.read().strip(), "processors of node 0", topo["nodes"])
else:
    check(not topo["nodes"], "a kernel without nodes", topo["nodes"])
text = said(sys.argv[1], "topo")
check(all(re.search(rf"^{d['name']} .*\bX\b", text, re.M) and re.search(rf"-- {d['name']} {d['address']}", text)
          for d in topo["devices"]), "the same as text", text)
sys.exit(finish())
