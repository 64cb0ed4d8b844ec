#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon top` on recorded trees: frames as text and JSON, and on a terminal of tmux's."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

import recorded
from recorded_run import GAON, PATIENCE, Live, expect, finish, report, run, schema_of
from tmux import Terminal

KEYS = "q quit"


def rows_of(text):
    """Words of the lines of the list of processes; half a screen has an empty one."""
    lines = text.partition("COMMAND")[2].splitlines()[1:]
    return [line.split() for line in lines if re.match(r" *\d+ ", line)] or [[""]]


def test_batch(work, root):
    done = run(root, "top", "--batch", "--count", "2", "--interval", "100", COLUMNS="120", LC_ALL="C.UTF-8")
    frames = done.stdout.split("\n\n")
    report("top: two frames", done.returncode == 0 and len(frames) == 3 and not frames[2], done)
    first = frames[0]
    report("top: its first line", re.match(r"gaon top  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ  3 cards, 3 processes, every 0.1 s\n",
                                           first), first)
    report("top: a card", "accel2   0000:81:00.0 ready   41.5 C   75.2 W of 150  1.100 GHz  1.5 GiB of 32 GiB HBM  "
           "8.0 GT/s x8\n" in first, first)
    report("top: processes, by use and number", [row[0] for row in rows_of(first)] == ["100", "100", "101"], rows_of(first))
    report("top: no line is wider than asked for", max(len(line) for line in done.stdout.splitlines()) <= 120)
    # Of a process that works, and one that has more memory.
    copy = os.path.join(work, "batch")
    shutil.copytree(root, copy, symlinks=True)
    live = Live(copy, "top", "--json", "-n", "2", "-i", str(int(1000 * PATIENCE)), "-s", "cores")
    documents = [json.loads(live.line())]
    recorded.put(copy, "proc/100/fdinfo/5", recorded.fdinfo("0000:03:00.0", 8, 1000000, 2000000, hbm_kib=4096))
    documents.append(json.loads(live.line()))
    code, err = live.end()
    try:
        for document in documents:
            jsonschema.validate(document, schema_of("top"))
        report("top --json: each line fits the schema", code == 0, err)
    except jsonschema.ValidationError as error:
        report("top --json: each line fits the schema", False, error)
    first = documents[1]["processes"][0]
    report("top: a process that works is the first", (first["pid"], first["device"], first["core_share"],
                                                      first["hbm_bytes"]) == (100, "accel1", 0.25, 4 << 20), first)
    report("top: its card works as much", [d["core_share"] for d in documents[1]["devices"]] == [0, 0.25, 0], documents[1])
    for column, want in (("pid", ["100", "100", "101"]), ("user", ["101", "100", "100"]), ("hbm", ["100", "100", "101"]),
                         ("command", ["100", "100", "101"])):
        done = run(copy, "top", "-b", "-n", "1", "-i", "100", "--sort", column)
        rows = rows_of(done.stdout)
        report(f"top: by {column}", [row[0] for row in rows] == want and (column != "hbm" or rows[0][5] == "4"), rows)
    plain = run(copy, "top", "-b", "-n", "1", "-i", "100", "-d", "accel1").stdout
    report("top: of one card", "accel0" not in plain and "1 card, 1 process," in plain, plain)


def test_refusals(work, root):
    expect(root, "top needs a terminal", 1, "top", err="standard output is no terminal; `gaon top -b`")
    expect(root, "top refuses a column", 2, "top", "-s", "heat", err="takes a column, not 'heat': pid user .* command")
    expect(root, "top refuses an interval", 2, "top", "-i", "99", err="100 to 3600000 milliseconds, not '99'")
    expect(root, "top refuses a count", 2, "top", "-n", "0", err="frames, not '0'")
    expect(root, "top of a card that is not there", 1, "top", "-d", "accel9", err="no card is named 'accel9'")
    done = run("", "top", "-b", GAON_DEVICE="embedded")
    report("top of the embedded device is refused", done.returncode == 1 and "part of the program" in done.stderr, done)
    empty = os.path.join(work, "empty")
    os.mkdir(empty)
    expect(empty, "top without a card", 0, "top", "-b", "-n", "1", "-i", "100", out="no card is here; `gaon doctor`")
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([GAON, "top", "-b", "-i", "100", "--root", root], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60 * PATIENCE)
    report("top: a full disk is told of, and is the end", done.returncode == 1 and "No space left" in done.stderr, done)
    for name, columns, rows, want in (("dumb", 100, 30, "cannot move its cursor"), ("no-such", 100, 30, "is not known"),
                                      ("tmux-256color", 49, 30, "the terminal is 49 x 30, at least 50 x 10"),
                                      ("tmux-256color", 100, 9, "the terminal is 100 x 9, at least 50 x 10")):
        terminal = Terminal(work, f"TERM={name} {GAON} top --root {root}; echo status $?", columns, rows, 20 * PATIENCE)
        text = terminal.wait(lambda text: "status" in text) or ""
        terminal.close()
        text = text.replace("\n", "")
        report(f"top refuses {name}, {columns} x {rows}", want in text and "status 1" in text, text)


def script(root, more=""):
    """top between two looks at the terminal's modes."""
    return f"stty -g >{root}/before; {GAON} top --root {root} {more}; echo status $?; stty -g >{root}/after; echo end"


def given_back(root, terminal):
    """Modes, cursor and the other screen are as they were."""
    text = terminal.wait(lambda text: "end" in text.splitlines()) or ""
    with open(root + "/before", encoding="ascii") as before, open(root + "/after", encoding="ascii") as after:
        same = before.read() == after.read()
    return text, same and terminal.ask("#{alternate_on} #{cursor_flag} #{keypad_cursor_flag}") == "0 1 0"


def test_screen(work, root):
    copy = os.path.join(work, "screen")
    shutil.copytree(root, copy, symlinks=True)
    for n in range(30):
        recorded.process(copy, 300 + n, f"proc{n}", {3: ("/dev/accel/accel2", recorded.fdinfo("0000:81:00.0", 100 + n,
                         hbm_kib=1024 * (n + 1)))})
    terminal = Terminal(work, script(copy, "-i 100"), 100, 40, 20 * PATIENCE)
    text = terminal.wait(lambda text: KEYS in text and re.search(r"HBM \[.*\n.*[\u2581-\u2588]{4}|[\u2581-\u2588]{4}", text))
    report("top: a screen with graphs", text and "33 processes" in text, terminal.text())
    terminal.keys("M")
    text = terminal.wait(lambda text: KEYS in text and rows_of(text)[0][0] == "329")
    report("top: M sorts by memory", text and [int(row[0]) for row in rows_of(text)][:5] == [329, 328, 327, 326, 325],
           terminal.text())
    terminal.keys("r")
    report("top: r reverses", terminal.wait(lambda text: KEYS in text and rows_of(text)[0][5:7] == ["1", "MiB"]), terminal.text())
    terminal.keys("P", "End")
    report("top: End goes to the last process", terminal.wait(lambda text: KEYS in text and rows_of(text)[-1][0] == "329"),
           terminal.text())
    terminal.keys("Home", "<")
    report("top: < sorts by the column to the left", terminal.wait(lambda text: KEYS in text and rows_of(text)[0][-1] == "llama-server"),
           terminal.text())
    terminal.keys("k")
    report("top: k in a recorded tree", terminal.wait(lambda text: "its processes are not here" in text), terminal.text())
    terminal.keys("h")
    report("top: h shows the keys", terminal.wait(lambda text: "gaon top: keys" in text and "reverse the order" in text),
           terminal.text())
    terminal.keys("x", "Space")
    report("top: Space pauses", terminal.wait(lambda text: "PAUSED" in text), terminal.text())
    terminal.keys("Space", "+", "-", "-")
    report("top: - reads half as often", terminal.wait(lambda text: "every 0.4 s" in text and "PAUSED" not in text),
           terminal.text())
    for columns, rows in ((60, 12), (200, 50), (50, 10), (100, 40)):
        terminal.shape(columns, rows)
        text = terminal.wait(lambda text: KEYS in text and len(text.splitlines()) == rows and "COMMAND" in text)  # pylint: disable=cell-var-from-loop
        report(f"top: {columns} x {rows}", text and "accel" in text and len(rows_of(text)) >= 3, terminal.text())
    terminal.shape(20, 5)
    report("top: too small is said, not the end", terminal.wait(lambda text: "20 x 5: too sma" in text), terminal.text())
    terminal.shape(100, 40)
    report("top: and large enough again", terminal.wait(lambda text: KEYS in text), terminal.text())
    os.remove(os.path.join(copy, "sys/class/accel/accel0"))
    shutil.rmtree(os.path.join(copy, "sys/bus/pci/devices"))
    report("top: cards that go", terminal.wait(lambda text: "2 cards" in text and "accel0   0000" not in text), terminal.text())
    terminal.keys("q")
    text, good = given_back(copy, terminal)
    terminal.close()
    report("top: q ends it, the terminal is as before", "status 0" in text and good, text)


def test_ends(work, root):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGSEGV, signal.SIGABRT):
        terminal = Terminal(work, script(root), 80, 24, 20 * PATIENCE)
        report(f"top runs, for {number.name}", terminal.wait(lambda text: KEYS in text), terminal.text())
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                    if file.read().split("\0")[:4] == [GAON, "top", "--root", root]:
                        os.kill(int(pid), number)
            except OSError:
                continue
        text, good = given_back(root, terminal)
        terminal.close()
        want = "status 1" if os.environ.get("GAON_SAN") and number in (signal.SIGSEGV, signal.SIGABRT) else \
            f"status {128 + number}"
        report(f"top: {number.name} ends it, the terminal is as before", want in text and good, text)
    terminal = Terminal(work, script(root, "-n 2 -i 100"), 80, 24, 20 * PATIENCE, LC_ALL="C")
    text, good = given_back(root, terminal)
    terminal.close()
    report("top: --count ends it, in a locale of ASCII", "status 0" in text and good, text)
    terminal = Terminal(work, script(root), 80, 24, 20 * PATIENCE, LC_ALL="C")
    time.sleep(0.5)
    text = terminal.wait(lambda text: KEYS in text) or ""
    terminal.close()
    report("top: ASCII where the terminal has no more", text and text.isascii(), text)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        test_batch(work, root)
        test_refusals(work, root)
        test_screen(work, root)
        test_ends(work, root)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
