#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The torus that `gaon topo` finds among cards joined by links of their own, on recorded trees: whatever order they have."""
import itertools
import math
import os
import random
import re
import shutil
import sys
import tempfile

import recorded
from recorded_run import document, expect, finish, report, run

SEED = int(os.environ.get("GAON_SEED") or random.randrange(1 << 32))


def only(topo, what):
    """The one group of more than one card."""
    groups = [group for group in topo["tori"] if len(group["devices"]) > 1]
    report(f"torus: {what}: one group", len(groups) == 1, topo["tori"])
    return groups[0]


def places(group):
    """{card's number: where it is}"""
    return {int(device["name"].removeprefix("accel")): tuple(device["at"]) for device in group["devices"]}


def place_of(size, index):
    """Of the index-th place, x first."""
    at = []
    for length in size:
        at.append(index % length)
        index //= length
    return tuple(at + [0] * (4 - len(size)))


def test_shapes(work):
    """All cards are found where they are, seen from the first."""
    numbers = random.Random(SEED)
    shapes = [(2,), (3,), (8,), (2, 2), (3, 2), (4, 4), (2, 2, 2), (3, 3, 3), (4, 2, 3), (1, 4), (3, 1, 2), (4, 4, 4), (2, 2, 2, 2)]
    for turn, size in enumerate(shapes):
        root = os.path.join(work, f"shape{turn}")
        order = list(range(math.prod(size)))
        numbers.shuffle(order)
        recorded.torus(root, size, order, ports=8 if len(size) == 4 else 6)
        topo = document(root, "topo")
        group = only(topo, f"{size}")
        full = tuple(size) + (1,) * (4 - len(size))
        origin = place_of(size, order.index(0))
        want = {card: tuple((a - o) % n for a, o, n in zip(place_of(size, index), origin, full)) for index, card in enumerate(order)}
        cables = sum(math.prod(size) for length in size if length > 1)
        report(f"torus: {size}: places, sizes, cables", places(group) == want and tuple(group["size"]) == full and group["grid"] and
               group["closed"] == [n > 1 for n in full] and group["cables"] == group["cables_up"] == cables and
               not topo["faults"], f"seed {SEED}: {group} {topo['faults']} not {want}")


def cut(root, cables, card, port):
    """Neither end hears the other any more; who it was is still told."""
    other = cables[card, port]
    recorded.port(root, card, port, other, port ^ 1, state="down")
    recorded.port(root, other, port ^ 1, card, port, state="down")


def test_cuts(work):
    """Cables are missing here and there: the rest says where all are, and each end is told of."""
    numbers = random.Random(SEED + 1)
    for turn in range(12):
        root = os.path.join(work, f"cut{turn}")
        size = numbers.choice([(4, 4), (3, 3, 2), (4, 3, 3), (2, 4)])
        cables = recorded.torus(root, size)
        lost = numbers.sample(sorted(key for key in cables if not key[1] & 1), numbers.randrange(1, 4))
        for card, port in lost:
            cut(root, cables, card, port)
        topo = document(root, "topo")
        group = only(topo, f"{size} without {lost}")
        ends = {(card, port) for card, port in lost} | {(cables[card, port], port ^ 1) for card, port in lost}
        told = {(int(fault["device"].removeprefix("accel")), fault["port"]) for fault in topo["faults"]}
        report(f"torus: {size} without {lost}: all ends are told of",
               told == ends and group["cables_up"] == group["cables"] - len(lost) and tuple(group["size"][:len(size)]) == size,
               f"seed {SEED}: {topo['faults']}, not {ends}; {group}")
        report(f"torus: {size} without {lost}: who should be there", all(
            f"accel{cables[int(f['device'].removeprefix('accel')), f['port']]} should be there" in f["text"] for f in topo["faults"]),
               topo["faults"])


def test_open(work):
    """A mesh: the ends of each dimension are joined to nobody."""
    root = os.path.join(work, "mesh")
    cables = recorded.torus(root, (3, 2))
    for (card, port), _ in cables.items():
        at = place_of((3, 2), card)
        if (port == 0 and at[0] == 2) or (port == 1 and at[0] == 0) or (port == 2 and at[1] == 1) or (port == 3 and at[1] == 0):
            recorded.port(root, card, port, state="down")
    topo = document(root, "topo")
    group = only(topo, "a mesh")
    report("torus: a mesh", places(group) == {card: place_of((3, 2), card) for card in range(6)} and
           group["closed"] == [False] * 4 and group["cables"] == 7 and not topo["faults"], topo)
    text = run(root, "topo").stdout
    report("torus: a mesh is drawn", "\nmesh 3x2: 6 cards, 7 of 7 cables up\n"
           "  y=0     accel0 --- accel1 --- accel2\n"
           "            |          |          |\n"
           "  y=1     accel3 --- accel4 --- accel5\n" in text, text)


def test_drawing(work):
    """What people see."""
    root = os.path.join(work, "drawn")
    cables = recorded.torus(root, (3, 2))
    cut(root, cables, 1, 0)
    cut(root, cables, 4, 2)
    text = run(root, "topo").stdout
    report("torus: it is drawn", text.endswith(
        "\ntorus 3x2: 6 cards, 10 of 12 cables up\n"
        "  y=0  -- accel0 --- accel1 -x- accel2 --\n"
        "            |          |          |\n"
        "  y=1  -- accel3 --- accel4 --- accel5 --\n"
        "            |          x          |\n"
        "  accel1 x+: down, accel2 should be there\n"
        "  accel1 y-: down, accel4 should be there\n"
        "  accel2 x-: down, accel1 should be there\n"
        "  accel4 y+: down, accel1 should be there\n"), text)
    report("torus: no colours but on a terminal", "\x1b" not in text)
    root = os.path.join(work, "deep")
    cables = recorded.torus(root, (2, 2, 3))
    cut(root, cables, 4, 4)
    text = run(root, "topo").stdout
    report("torus: three dimensions", "torus 2x2x3: 12 cards, 35 of 36 cables up\n  z=0\n  y=0  --  accel0 ---  accel1 --\n" in text or
           "torus 2x2x3: 12 cards, 35 of 36 cables up\n  z=0\n  y=0  -- accel0  --- accel1  --\n" in text, text)
    report("torus: cables to the next plane", re.findall(r"^  z\+ to z=(\d): (\d) of 4 cables up$", text, re.M) ==
           [("1", "4"), ("2", "3"), ("0", "4")], text)
    root = os.path.join(work, "ring")
    recorded.torus(root, (1, 1, 4))
    text = run(root, "topo").stdout
    report("torus: a ring", "\nring of 4: 4 cards, 4 of 4 cables up\n" in text, text)


def test_wrong(work):
    """Cables that lead elsewhere, one way only, slowly; cards of other machines; what is no port."""
    root = os.path.join(work, "wrong")
    stranger = "ff" * 16
    for what, words, change in (
            ("another direction", "leads to y- of accel1, not to x- of a card", lambda r: recorded.port(r, 0, 0, 1, 3)),
            ("a stranger", "leads to a card that is not here, accel1 should be there", lambda r: recorded.port(r, 0, 0, stranger, 1)),
            ("one direction", "hears accel1, and is not heard", lambda r: recorded.port(r, 0, 0, 1, 1, state="training")),
            ("another version", "another version of ports", lambda r: recorded.port(r, 0, 0, 1, 1, state="mismatch")),
            ("half the lanes", "22.5 GB/s, others have 45.0", lambda r: recorded.port(r, 0, 0, 1, 1, mbps=22500)),
            ("a bad cable", "17 bad frames", lambda r: recorded.port(r, 0, 0, 1, 1, bad=17)),
            ("a word", "down, accel1 should be there", lambda r: recorded.port(r, 0, 0, 1, 1, state="down")),
            ("a port of no number", "leads to an unknown port of accel1", lambda r: recorded.port(r, 0, 0, 1, 8)),
            ("absurd words", "cannot be read", lambda r: recorded.port(r, 0, 0, "\x1b[2J", -5, state="\x1b[2J", mbps=-1, bad=-1))):
        shutil.rmtree(root, ignore_errors=True)
        recorded.torus(root, (3, 3))
        change(root)
        topo = document(root, "topo")
        text = [f["text"] for f in topo["faults"] if (f["device"], f["port"]) == ("accel0", 0)]
        report(f"torus: {what}", len(text) == 1 and words in text[0] and topo["tori"][0]["grid"], topo["faults"])
        done = run(root, "topo")
        report(f"torus: {what}, as text", done.returncode == 0 and f"  accel0 x+: {text and text[0]}\n" in done.stdout and
               "\x1b" not in done.stdout, done.stdout)
    shutil.rmtree(root)
    recorded.torus(root, (4,))
    recorded.port(root, 0, 2, stranger, 5)
    expect(root, "torus: links to other machines", 0, "topo", out=f"accel0 y\\+: to a card that is not here, {stranger}, its z-")
    # Two neighbours exchanged: no order in which each is where its cables say.
    for card, port, peer in ((0, 0, 2), (2, 1, 0), (2, 0, 1), (1, 1, 2), (1, 0, 0), (0, 1, 1), (3, 0, 3), (3, 1, 0)):
        recorded.port(root, card, port, peer, port ^ 1)
    topo = document(root, "topo")
    report("torus: contradictions", run(root, "topo").returncode == 0 and topo["links"], topo["tori"])


def test_random(work):
    """Ports that say anything at all: no crash, and a document that fits its schema."""
    numbers = random.Random(SEED + 2)
    root = os.path.join(work, "random")
    for _ in range(10):
        shutil.rmtree(root, ignore_errors=True)
        recorded.torus(root, (3, 3))
        for card, port in itertools.product(range(9), range(6)):
            if numbers.random() < 0.5:
                recorded.port(root, card, port, numbers.choice([None, numbers.randrange(12)]), numbers.randrange(10),
                              numbers.choice(["up", "up", "up", "down", "training"]))
        topo = document(root, "topo")
        done = run(root, "topo")
        names = sorted(device["name"] for group in topo["tori"] for device in group["devices"])
        report("torus: each card is in one group", done.returncode == 0 and names == sorted(f"accel{i}" for i in range(9)),
               f"seed {SEED}: {done.stderr} {topo['tori']}")


def main():
    print(f"# seed {SEED}")
    with tempfile.TemporaryDirectory() as work:
        test_shapes(work)
        test_cuts(work)
        test_open(work)
        test_drawing(work)
        test_wrong(work)
        test_random(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
