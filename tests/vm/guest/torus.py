#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""torus.py GAON: six cards in a torus of 3x2 whose cable at x+ of the fifth is cut, as `gaon topo` finds them."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from tap import check, finish

SIZE = (3, 2)
CUT = {(4, 0), (5, 1)}
PATIENCE = 30 * int(os.environ.get("GAON_SLOW", "1"))
GAON = sys.argv[1]


def topo():
    """What it says now."""
    return json.loads(subprocess.run([GAON, "topo", "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout)


def wait(good):
    """Until it says so, or for as long as a cable may take."""
    end = time.monotonic() + PATIENCE
    while not good(said := topo()) and time.monotonic() < end:
        time.sleep(0.2)
    return said


def read(card, name):
    """A file of a card's."""
    with open(os.path.join(card, name), encoding="ascii") as file:
        return file.read().strip()


def write(path, text):
    """To a file of the kernel's."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def whole(said):
    """All cables but one."""
    return [tori["cables_up"] for tori in said["tori"]] == [11]


def place(serial):
    """The model numbers them in the order of places."""
    index = int(bytes.fromhex(serial)[-6:]) - 1
    return index % SIZE[0], index // SIZE[0]


def main():
    cards = sorted(glob.glob("/sys/bus/pci/drivers/gaon/*:*"))
    said = wait(whole)
    print(f"# {json.dumps(said['tori'])}")
    check(whole(said) and len(said["tori"]) == 1 and len(cards) == 6, "eleven of twelve cables are up", said["tori"])
    group = said["tori"][0]
    check(group["size"] == [3, 2, 1, 1] and group["closed"] == [True, True, False, False] and group["cables"] == 12 and
          group["grid"], "a torus of 3x2", group)
    serial = {device["address"]: read(f"/sys/bus/pci/devices/{device['address']}", "serial") for device in said["devices"]}
    address = {device["name"]: device["address"] for device in said["devices"]}
    want = {device["name"]: [*place(serial[device["address"]]), 0, 0] for device in said["devices"]}
    check({device["name"]: device["at"] for device in group["devices"]} == want, "each card is where the model has it", (group, want))
    ends = {(int(bytes.fromhex(serial[address[fault["device"]]])[-6:]) - 1, fault["port"]) for fault in said["faults"]}
    check(ends == CUT, "the cut cable's two ends are told of", said["faults"])
    fast = [link["mbps"] for link in said["links"] if link["state"] == "up"]
    check(len(said["links"]) == 36 and fast == [45000] * 22, "22 ends are up, with their speed", said["links"])
    text = subprocess.run([GAON, "topo"], stdout=subprocess.PIPE, text=True, check=True).stdout
    check("torus 3x2: 6 cards, 11 of 12 cables up" in text and text.count(" -x- ") == 1, "the drawing", text)
    for name, (code, words) in {"accel0": (0, "ports_up +4 ports"), "accel4": (2, r"port 0, x\+: down, accel5 should be there")}.items():
        done = subprocess.run([GAON, "diag", "--device", name, "--only", "ports"], stdout=subprocess.PIPE, text=True, check=False)
        check(done.returncode == code and re.search(words, done.stdout), f"gaon diag of {name}", done)
    tree = os.path.join(tempfile.mkdtemp(), "tree")
    subprocess.run([GAON, "record-tree", tree], stdout=subprocess.DEVNULL, check=True)
    again = json.loads(subprocess.run([GAON, "topo", "--json", "--root", tree], stdout=subprocess.PIPE, text=True, check=True).stdout)
    check(again["tori"] == said["tori"] and again["faults"] == said["faults"], "the same of a recorded tree", again)
    # A card that is reset takes its links along, and they come back.
    first = next(card for card in cards if place(read(card, "serial")) == (0, 0))
    neighbour = next(card for card in cards if place(read(card, "serial")) == (1, 0))
    ups = int(read(neighbour, "port1/ups"))
    write(os.path.join(first, "reset"), "1")
    said = wait(lambda said: whole(said) and int(read(neighbour, "port1/ups")) > ups)
    check(whole(said) and int(read(neighbour, "port1/ups")) > ups, "after a reset of a neighbour the link is back",
          (said["tori"], ups))
    # One without its driver is heard all the same, by those who are there.
    write("/sys/bus/pci/drivers/gaon/unbind", os.path.basename(first))
    said = topo()
    names = [device["name"] for device in said["devices"]]
    check(os.path.basename(first) in names and len(said["links"]) == 30, "a card without its driver has no ports", names)
    check(read(neighbour, "port1/peer") == serial[os.path.basename(first)], "but its neighbour knows who is there")
    write("/sys/bus/pci/drivers/gaon/bind", os.path.basename(first))
    said = wait(whole)
    check(whole(said), "with its driver all is as before", said["tori"])
    # Who only reads may be anybody; a card that sleeps wakes up for it.
    for card in cards:
        write(os.path.join(card, "power/autosuspend_delay_ms"), "100")
        write(os.path.join(card, "power/control"), "auto")
    end = time.monotonic() + PATIENCE
    while any(read(card, "power/runtime_status") != "suspended" for card in cards) and time.monotonic() < end:
        time.sleep(0.1)
    check(all(read(card, "power/runtime_status") == "suspended" for card in cards), "all cards sleep")
    done = subprocess.run([GAON, "topo", "--json"], stdout=subprocess.PIPE, text=True, check=False, user=65534)
    check(done.returncode == 0 and whole(json.loads(done.stdout)), "asleep they are joined as before", done.stdout)
    return finish()


sys.exit(main())
