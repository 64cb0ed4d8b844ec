#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon config` on recorded trees: what it shows, against the files themselves, and what it refuses, with which numbers."""
import os
import random
import sys
import tempfile

import recorded
from recorded_run import document, expect, finish, report, run

CARD = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:0%d.0/0000:0%d:00.0"


def complete(root):
    """A machine with all that can be set, and pages of HBM that are out of use."""
    recorded.machine(root)
    for number in (0, 1):
        path = CARD % (number, number + 2)
        recorded.put(root, path + "/power/control", ("on", "auto")[number])
        recorded.put(root, path + "/power/autosuspend_delay_ms", ("5000", "-1")[number])
    recorded.put(root, "/sys/module/gaon/parameters/page_ce_limit", "16")
    recorded.put(root, "/sys/module/gaon/parameters/channel_ce_limit", "4294967295")
    recorded.put(root, "/sys/kernel/debug/accel/0000:02:00.0/retired", "        0x5000 retired poisoned\n"
                 "        0x9000  in use readable\n   0x7fff000 retired readable\n")


def values(settings):
    """By name: value, lowest, highest, default, what is kept."""
    return {s["name"]: (s["value"], s["min"], s["max"], s["default"], s["saved"]) for s in settings}


def test_show(root):
    shown = document(root, "config")
    first, second = (values(shown["cards"][n]["settings"]) for n in (0, 1))
    report("what a card has", first == {"power-cap": (150, 120, 250, 240, None), "clock": (1150, 400, 1200, 1200, None),
                                        "persistence": ("on", None, None, "off", None),
                                        "autosuspend": (5000, -1, 2147483647, 5000, None),
                                        "ecc": ("on", None, None, "on", None)}, first)
    report("what another has", second["persistence"][0] == "off" and second["autosuspend"][0] == -1, second)
    report("what is the module's", values(shown["module"]) == {"page-ce-limit": (16, 0, 4294967295, 16, None),
                                                               "channel-ce-limit": (4294967295, 0, 4294967295, 1024, None)},
           shown["module"])
    report("what cannot be changed", [s["name"] for c in shown["cards"] for s in c["settings"] if not s["changeable"]] == ["ecc"] * 3)
    report("a file that is not there is not known", values(shown["cards"][2]["settings"])["persistence"] == (None,) * 5)
    report("who holds them", [[h["pid"] for h in c["holders"]] for c in shown["cards"]] == [[100, 101], [100], []])
    report("retired pages", shown["cards"][0]["retired"] == {"count": 3, "pending": 1, "pages": [
        {"offset": 0x5000, "pending": False, "poisoned": True}, {"offset": 0x9000, "pending": True, "poisoned": False},
        {"offset": 0x7fff000, "pending": False, "poisoned": False}]}, shown["cards"][0]["retired"])
    expect(root, "one card as text", 0, "config", "-d", "accel0", out=r"(?s)accel0 \(0000:02:00\.0\)\n.*power-cap +150 W +120 to 250 +240 +-\n"
           r".*autosuspend +5000 ms +-1 to 2147483647 +5000.*ecc +on +always on.*retired pages +3, 1 of them pending.*page-ce-limit +16 errors")
    expect(root, "retired pages as text", 0, "config", "-d", "accel0", "retired", out=r"accel0 +0x5000 retired +poisoned\naccel0 +0x9000 pending +readable\n")
    expect(root, "GAON_DEVICE names no card to be changed", 2, "config", "set", "clock=700", err="--device says which card, --all")
    os.remove(os.path.join(root, "sys/kernel/debug/accel/0000:03:00.0/retired"))
    expect(root, "retired pages that cannot be read", 1, "config", "-d", "accel1", "retired", err="accel1: retired pages are not known: ")
    report("which are null as JSON", document(root, "config", "-d", "accel1")["cards"][0]["retired"] is None)


def test_refused(root):
    for what, err in (("power-cap=119.9", "power-cap is 120 to 250 W, or 'default', which is 240; not '119.9'"),
                      ("power-cap=250.000001", "120 to 250 W"), ("power-cap=", "120 to 250 W"), ("power-cap=1e2", "120 to 250 W"),
                      ("power-cap=nan", "120 to 250 W"), ("power-cap=-150", "120 to 250 W"), ("power-cap=15 0", "120 to 250 W"),
                      ("power-cap=0xC8", "120 to 250 W"), ("power-cap=1.5.0", "120 to 250 W"), ("power-cap=" + "9" * 400, "120 to 250 W"),
                      ("clock=399", "clock is 400 to 1200 MHz, or 'default', which is 1200; not '399'"), ("clock=700.5", "400 to 1200"),
                      ("clock=1201", "400 to 1200"), ("autosuspend=-2", "-1 to 2147483647 ms"), ("persistence=yes", "on or off, or 'default', which is off"),
                      ("ecc=off", "ecc is always on: .*part of the hardware"), ("ecc=maybe", "on or off"), ("speed=9", "named 'speed'; there are: power-cap clock"),
                      ("clock", "NAME=VALUE, not 'clock'"), ("page-ce-limit=3", "is the module's, for all cards: --all instead of --device accel0")):
        expect(root, f"set {what[:30]} is refused", 1, "config", "-d", "accel0", "set", what, err="gaon: .*" + err)
    draw = random.Random(int(os.environ.get("GAON_SEED", "0")) or 1)
    wrong = []
    for _ in range(40):
        watts = round(draw.uniform(0, 400), draw.randrange(4))
        done = run(root, "config", "-d", "accel0", "set", f"power-cap={watts}")
        inside = 120 <= watts <= 250
        if done.returncode != 1 or ("recorded tree" in done.stderr) != inside or ("120 to 250 W" in done.stderr) == inside:
            wrong.append((watts, done.stderr))
    report("40 random caps: those within the range only fail for the recorded tree", not wrong, wrong[:3])
    expect(root, "set of what is within the range", 1, "config", "-d", "accel0", "set", "clock=700", err="recorded tree: nothing of it is changed")
    expect(root, "reset on a recorded tree", 1, "config", "--all", "reset", err="accel2 has no persistence: its firmware or this kernel")
    expect(root, "reset of one name", 1, "config", "--all", "reset", "clock", err="recorded tree")
    expect(root, "one bad setting of two", 1, "config", "-d", "accel0", "set", "clock=700", "power-cap=9", err="120 to 250 W")
    for arguments in (("sideways",), ("set",), ("show", "clock"), ("--save",), ("--save", "apply"), ("--idle", "show"), ("apply", "clock")):
        expect(root, f"{' '.join(arguments)} is no use of it", 2, "config", *arguments, err="usage: gaon config")
    expect(root, "--device and --all", 2, "config", "--all", "-d", "accel0", "set", "clock=700", err="not both")
    expect(root, "a card that is not there", 1, "config", "-d", "accel9", err="no card is named 'accel9'")
    done = document(root, "config", "-d", "accel0", "set", "clock=700", code=1)
    report("a refusal as JSON", done["action"] == "set" and done["done"] is False and len(done["cards"]) == 1, done)


def test_saved(root):
    recorded.put(root, "/etc/gaon/config", "# kept\n\n* clock 700\n* page-ce-limit 3\n" + recorded.SERIAL % 1 + "   clock\tdefault\n")
    shown = document(root, "config")
    kept = [values(c["settings"])["clock"][4] for c in shown["cards"]]
    report("what is kept: of all cards, and of one", kept == ["700", "default", "700"] and
           values(shown["module"])["page-ce-limit"][4] == "3", shown)
    expect(root, "apply on a recorded tree", 1, "config", "apply", err="recorded tree")
    recorded.put(root, "/etc/gaon/config", "* clock 9\n")
    expect(root, "apply of what is out of range", 1, "config", "apply", err="accel0: clock is 400 to 1200 MHz")
    for text, err in (("* clock", "gaon: /etc/gaon/config: line 1: fewer than three words"), ("# x\n* clock 1 2", "line 2: more than three words"),
                      ("* speed 1", r"there are: power-cap.*\n.*line 1: an unknown name"), ("a" * 40 + " clock 700", "a word is too long"),
                      ("* clock " + "7" * 60, "a word is too long"), (recorded.SERIAL % 0 + " page-ce-limit 1", "the module's, not one card's"),
                      ("# " + "x" * 70000, "more than 65534 bytes")):
        recorded.put(root, "/etc/gaon/config", text)
        expect(root, f"a file that says {text[:20]!r}", 1, "config", err=err)
    os.remove(os.path.join(root, "etc/gaon/config"))


def test_none(root):
    for name in ("sys", "dev", "proc"):
        os.makedirs(os.path.join(root, name), exist_ok=True)
    expect(root, "a machine without a card", 1, "config", err="shows no card at all: `gaon doctor`")
    report("where there is nothing to apply", run(root, "config", "apply").returncode == 1)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "machine")
        complete(root)
        test_show(root)
        test_refused(root)
        test_saved(root)
        test_none(os.path.join(work, "bare"))
    return finish()


if __name__ == "__main__":
    sys.exit(main())
