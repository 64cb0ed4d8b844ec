#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon events` on recorded trees that change under it: what files tell. Messages and tracepoints: tests/vm/guest/events.py."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

import recorded
from recorded_run import GAON, PATIENCE, Live, expect, finish, report, schema_of

CARD = "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0"


def started(root, *args, **more):
    """The command, once it watches."""
    live = Live(root, "events", *args, **more)
    said = ""
    while "watching" not in said:
        line = live.process.stderr.readline()
        if not line:
            break
        said += line
    live.said = said
    return live


def next_event(live):
    """The next document, which fits the schema; None at the end."""
    line = live.line()
    if not line:
        return None
    event = json.loads(line)
    jsonschema.validate(event, schema_of("events"))
    return event


def change(live, what, **want):
    """One change was made: the event that is told of it."""
    try:
        event = next_event(live)
    except (ValueError, jsonschema.ValidationError) as error:
        report(f"events: {what}", False, error)
        return
    details = (event or {}).get("details", {})
    report(f"events: {what}", event and all((details if key in details else event).get(key) == value
                                            for key, value in want.items()), event)


def test_files(work, root):
    copy = os.path.join(work, "live")
    shutil.copytree(root, copy, symlinks=True)
    card = os.path.join(copy, CARD)
    for number in (0, 1):
        recorded.port_at(copy, f"/{CARD}/port{number}", 1, 1)
    live = started(copy, "--json")
    report("events: says what it watches, and what is not told", "watching 3 cards" in live.said and
           "recorded tree" in live.said, live.said)
    here = {"device": "accel2", "address": "0000:81:00.0"}

    def write(name, text):
        # In one step: half a file is no reading.
        recorded.put(card, name + ".new", text)
        os.rename(os.path.join(card, name + ".new"), os.path.join(card, name))

    write("state", "resetting")
    change(live, "a state", kind="state", to="resetting", **{"from": "ready"}, **here)
    write("resets", "5")
    change(live, "resets are counted", kind="reset", count=2, resets=5, why=None, **here)
    write("state", "ready")
    change(live, "the state after", kind="state", to="ready", **here)
    write("current_link_width", "4")
    change(live, "a link of fewer lanes", kind="link", width=4, mtps=8000, **here)
    write("port1/state", "down")
    change(live, "a cable that is pulled", kind="port", port=1, name="x-", to="down", **{"from": "up"}, **here)
    write("power/runtime_status", "suspended")
    time.sleep(1.5 * PATIENCE)
    write("port1/state", "training")        # nobody looks
    time.sleep(1.5 * PATIENCE)
    write("port1/state", "up")
    write("power/runtime_status", "active")
    change(live, "awake again, it is plugged in again", kind="port", port=1, to="up", **{"from": "down"}, **here)
    # The alarm of its power cap was there from the start. A low clock, or a warm chip, alone says nothing.
    write("hwmon/hwmon9/freq1_input", "700000000")
    write("hwmon/hwmon9/temp1_max", "41000")
    write("hwmon/hwmon9/power1_cap_alarm", "0")
    change(live, "below its power cap", kind="throttle", throttled=False, why=None, **here)
    write("hwmon/hwmon9/temp1_max_alarm", "1")
    change(live, "slowed down by heat", kind="throttle", throttled=True, why="heat", **here)
    write("hwmon/hwmon9/temp1_crit_alarm", "1")
    change(live, "critically hot", kind="throttle", throttled=True, why="heat, critical", **here)
    write("hwmon/hwmon9/temp1_crit_alarm", "0")
    change(live, "only hot again", kind="throttle", throttled=True, why="heat", **here)
    write("hwmon/hwmon9/temp1_max_alarm", "0")
    change(live, "cooler again", kind="throttle", throttled=False, **here)
    write("hwmon/hwmon9/power1_cap_alarm", "1")
    change(live, "at its power cap", kind="throttle", throttled=True, why="power", **here)
    for name, text in (("state", "\x1b[2J"), ("resets", "-1"), ("hwmon/hwmon9/freq1_input", "1e99"), ("current_link_speed", "")):
        write(name, text)
    time.sleep(1.5 * PATIENCE)
    for name, text in (("state", "wedged"), ("resets", "5"), ("hwmon/hwmon9/freq1_input", "900000000"), ("current_link_speed", "8.0 GT/s PCIe")):
        write(name, text)
    change(live, "absurd files are no events, what comes after is", kind="state", to="wedged", **here)
    os.remove(os.path.join(card, "driver"))
    change(live, "a driver that goes", kind="driver", to="none", **{"from": "gaon"})
    shutil.move(os.path.join(copy, "sys/class/accel/accel2"), os.path.join(copy, "accel2"))
    shutil.move(os.path.join(copy, "sys/bus/pci/devices/0000:81:00.0"), os.path.join(copy, "function"))
    change(live, "a card that goes", kind="removed", address="0000:81:00.0")
    shutil.move(os.path.join(copy, "function"), os.path.join(copy, "sys/bus/pci/devices/0000:81:00.0"))
    change(live, "a card that comes", kind="added", address="0000:81:00.0", driver="none")
    live.process.send_signal(signal.SIGINT)
    rest = live.process.stdout.read()
    code, err = live.end()
    report("events: interrupted, it ends well", code == 0 and not rest and not err, (code, rest, err))


def test_ends(work, root):
    copy = os.path.join(work, "ends")
    shutil.copytree(root, copy, symlinks=True)
    live = started(copy, "--count", "2", "--kind", "reset,state", "-d", "accel2", "--timeout", str(int(60 * PATIENCE)))
    recorded.put(copy, "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0/state", "wedged")
    recorded.put(copy, CARD + "/current_link_width", "1")
    time.sleep(0.5 * PATIENCE)
    recorded.put(copy, CARD + "/resets", "4")
    first = live.line()
    recorded.put(copy, CARD + "/state", "degraded")
    second = live.line()
    code, err = live.end()
    report("events: as text, of one card, of two kinds, ends after two", code == 0 and " accel2   reset     reset 4" in first and
           " accel2   state     state: degraded, it was: ready" in second, (first, second, code, err))
    expect(copy, "events: none came in time", 4, "events", "-n", "1", "-t", "1", err="0 of 1 events came within 1 s")
    expect(copy, "events: the time is over", 0, "events", "-t", "1", err="watching 3 cards")
    expect(copy, "events refuses a kind", 2, "events", "-k", "reset,fire", err="no kind is named 'fire'; there are: added .* lost")
    expect(copy, "events refuses a count", 2, "events", "-n", "x", err="1 to 4294967295 events, not 'x'")
    expect(copy, "events refuses a timeout", 2, "events", "-t", "0", err="seconds, not '0'")
    expect(copy, "events of a card that is not there", 1, "events", "-d", "accel9", err="no card is named 'accel9'")
    done = subprocess.run([GAON, "events", "-d", "embedded"], capture_output=True, text=True, check=False)
    report("events of the embedded device is refused", done.returncode == 1 and "part of the program" in done.stderr, done)
    empty = os.path.join(work, "empty")
    os.mkdir(empty)
    expect(empty, "events: cards may still come", 0, "events", "-t", "1", err="watching 0 cards")
    with open("/dev/full", "w", encoding="ascii") as full, subprocess.Popen(
            [GAON, "events", "--root", copy], stdout=full, stderr=subprocess.PIPE, text=True) as process:
        while "watching" not in process.stderr.readline():
            pass
        recorded.put(copy, CARD + "/resets", "9")
        err = process.stderr.read()
        process.wait(60 * PATIENCE)
    report("events: a full disk is told of, and is the end", process.returncode == 1 and "No space left" in err, err)
    live = started(copy)
    live.process.stdout.close()
    recorded.put(copy, CARD + "/resets", "12")
    err = live.process.stderr.read()
    report("events: a closed pipe is told of, and is the end", live.process.wait(60 * PATIENCE) == 1 and "Broken pipe" in err, err)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        test_files(work, root)
        test_ends(work, root)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
