#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pictures of commands for the documentation, from a real terminal, of a machine that is not there:

  GAON_SOURCE_DIR=. GAON_BUILD_DIR=build python3 tests/conformance/picture.py top Documentation/images/gaon_top.svg

`topo` or `torus`. Eight cards work for half a minute in a recorded tree while `gaon top` looks at it."""
import html
import itertools
import math
import os
import re
import sys
import tempfile
import time

import recorded
from recorded_run import GAON
from tmux import Terminal

WIDTH, HEIGHT = 8.4, 18
COLOURS = ["#1d1f21", "#cc6666", "#8abd68", "#e0b35c", "#6f9fd8", "#b294bb", "#7cc5c0", "#d5d8d6"]
TEXT, GROUND = "#d5d8d6", "#1d1f21"


def runs(line, state):
    """(text, colour, ground, bold) of a line with escape sequences; state goes on from line to line."""
    for codes, text in re.findall(r"(?:\x1b\[([0-9;]*)m)?([^\x1b]*)", line.replace("\x0f", "")):
        for code in [int(code or 0) for code in codes.split(";")] if codes or line.startswith("\x1b[m") else []:
            if code == 0:
                state.update(colour=TEXT, bold=False, dim=False, reverse=False)
            elif code in (1, 2, 7):
                state[{1: "bold", 2: "dim", 7: "reverse"}[code]] = True
            elif 30 <= code <= 37:
                state["colour"] = COLOURS[code - 30]
            elif code == 39:
                state["colour"] = TEXT
        if text:
            colour, ground = state["colour"], GROUND
            if state["reverse"]:
                colour, ground = ground, colour
            yield text, "#8a8d8b" if state["dim"] and not state["reverse"] else colour, ground, state["bold"]


def svg(screen, columns):
    """The screen as SVG; every run of characters has its width said, so that any fixed font does."""
    lines = screen.rstrip("\n").split("\n")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDTH + 24:.0f}" height="{len(lines) * HEIGHT + 24}" '
           f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14">',
           "<!-- SPDX-License-Identifier: MIT; made by tests/conformance/picture.py -->",
           f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>']
    state = {"colour": TEXT, "bold": False, "dim": False, "reverse": False}
    for row, line in enumerate(lines):
        column = 0
        for text, colour, ground, bold in runs(line, state):
            x, y, width = 12 + column * WIDTH, 12 + row * HEIGHT, len(text) * WIDTH
            column += len(text)
            if ground != GROUND:
                out.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{HEIGHT}" fill="{ground}"/>')
            if text.strip():
                out.append(f'<text x="{x:.1f}" y="{y + 14}" textLength="{width:.1f}" xml:space="preserve" fill="{colour}"'
                           f'{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}>{html.escape(text)}</text>')
    return "\n".join(out) + "\n</svg>\n"


def work(root, seconds, late):
    """Four processes on three cards, in time; late() is called near the end."""
    paths = {name: os.path.join(root, "sys/bus/pci/devices", name) for name in ("0000:02:00.0", "0000:03:00.0", "0000:81:00.0")}
    jobs = [(100, 3, "0000:02:00.0", 7, "llama-server", 2.6, 9.0, 14 << 20), (104, 3, "0000:03:00.0", 11, "digits", 1.5, 5.0, 3 << 20),
            (107, 3, "0000:03:00.0", 12, "train", 1.9, 14.0, 9 << 20), (112, 3, "0000:81:00.0", 15, "gaon-bench", 0.7, 3.0, 1 << 20)]
    had = [0.0] * len(jobs)
    start = time.monotonic()
    for turn in itertools.count(1):
        now = turn * 1000000
        for number, (pid, fd, address, client, name, cores, period, kib) in enumerate(jobs):
            had[number] += cores * (0.55 + 0.45 * math.sin(turn / period / 2 + number)) * 1000000
            node = {"0000:02:00.0": 0, "0000:03:00.0": 1, "0000:81:00.0": 2}[address]
            text = recorded.fdinfo(address, client, int(had[number]), now, kib)
            text = text.replace("drm-cycles-copy:\t0", f"drm-cycles-copy:\t{int(had[number] * 0.2)}")
            place = os.path.join(root, f"proc/{pid}/fdinfo/{fd}")
            if not os.path.exists(place):
                recorded.process(root, pid, name, {fd: (f"/dev/accel/accel{node}", text)})
            recorded.put(root, f"proc/{pid}/fdinfo/.new", text)
            os.rename(os.path.join(root, f"proc/{pid}/fdinfo/.new"), place)
        for address, path in paths.items():
            used = sum(kib << 10 for _, _, where, _, _, _, _, kib in jobs if where == address)
            recorded.put(path, "hbm_used", str(int(used * (1.2 + 0.3 * math.sin(turn / 25)))))
        if late and time.monotonic() > start + seconds - 1:
            late()
            late = None
        if time.monotonic() > start + seconds:
            return
        time.sleep(0.2)


def torus(root):
    """32 cards, one cable that works in one direction only, one that is slow."""
    cables = recorded.torus(root, (4, 4, 2))
    recorded.port(root, 6, 0, cables[6, 0], 1, state="training")
    recorded.port(root, 7, 1, cables[7, 1], 0, state="down")
    recorded.port(root, 20, 2, cables[20, 2], 3, mbps=11250)


def main():
    what, target = sys.argv[1:]
    columns, rows = {"top": (110, 36), "topo": (100, 60), "torus": (300, 120)}[what]
    with tempfile.TemporaryDirectory() as place:
        root = os.path.join(place, "tree")
        if what == "top":
            recorded.machine(root)
            for pid in ("100", "101"):
                os.rename(os.path.join(root, "proc", pid), os.path.join(place, pid))
        elif what == "torus":
            torus(root)
        else:
            recorded.chassis(root)
        command = {"top": "top -i 400", "topo": "topo", "torus": "topo"}[what]
        terminal = Terminal(place, f"{GAON} {command} --root {root}", columns, rows)
        if what == "top":
            work(root, 40, lambda: terminal.keys("Down"))
        else:
            time.sleep(1)
        screen = terminal.text(colours=True)
        terminal.close()
    if what == "torus":         # not what is above it
        screen, columns = screen[screen.index("torus 4x4x2"):], 100
    with open(target, "w", encoding="utf-8") as file:
        file.write(svg(re.sub(r"\n+$", "\n", screen), columns))


if __name__ == "__main__":
    main()
