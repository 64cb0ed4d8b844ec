#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon watch` on recorded trees that change under it."""
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import jsonschema

import recorded
from recorded_run import GAON, PATIENCE, Live, document, expect, finish, report, run, schema_of

CARD = "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0"


def rows_of(text):
    """CSV as a list of {name: value}."""
    return list(csv.DictReader(text.splitlines()))


def test_values(root):
    # An older driver's sensors.
    for where, _, names in os.walk(os.path.join(root, "sys/devices")):
        if "temp1_max" in names:
            os.unlink(os.path.join(where, "temp1_max"))
    metrics = [m["name"] for m in document(root, "watch", "--list")["metrics"]]
    done = run(root, "watch", "--count", "2", "--interval", "20", *metrics)
    rows = rows_of(done.stdout)
    report("watch: a row for each card and interval, of all metrics", done.returncode == 0 and
           [row["device"] for row in rows] == ["accel0", "accel1", "accel2"] * 2 and
           list(rows[0]) == ["time", "device", *metrics], done)
    want = {"state": "ready", "hbm_used_bytes": str(3 << 29), "hbm_total_bytes": str(32 << 30), "temperature_c": "41.5",
            "power_w": "75.25", "power_cap_w": "150.00", "clock_mhz": "1100", "energy_j": "123.456789", "resets": "3",
            "link_gtps": "8.0", "link_width": "8", "processes": "2", "errors_corrected": "7", "errors_uncorrected": "1",
            "retired_pages": "1", "power_state": "active", "temperature_max_c": "", "core_use_percent": "0.0"}
    wrong = {name: (rows[0][name], value) for name, value in want.items() if rows[0][name] != value}
    report("watch: figures as in the files, what is not known is empty", not wrong, wrong)
    done = run(root, "watch", "--json", "--count", "2", "--interval", "20", "-d", "81:00.0", *metrics)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    try:
        for line in lines:
            jsonschema.validate(line, schema_of("watch"))
        report("watch --json: each line fits the schema", len(lines) == 2 and set(lines[0]) == {"time", "device", *metrics})
    except jsonschema.ValidationError as error:
        report("watch --json: each line fits the schema", False, error)
    report("watch --json: numbers are numbers, what is not known is null", lines[0]["temperature_c"] == 41.5 and
           lines[0]["hbm_used_bytes"] == 3 << 29 and lines[0]["temperature_max_c"] is None and
           lines[0]["processes"] == 0 and lines[0]["device"] == "accel2", lines[0])
    rows = rows_of(run(root, "watch", "-n", "1", "-i", "10").stdout)
    report("watch: what is shown without names", list(rows[0]) == [
        "time", "device", "state", "core_use_percent", "copy_use_percent", "hbm_used_bytes", "temperature_c", "power_w",
        "clock_mhz"], rows[0])


def test_refusals(root):
    expect(root, "watch refuses a metric", 2, "watch", "heat", err="no metric is named 'heat'.*--list")
    expect(root, "watch refuses a metric twice", 2, "watch", "state", "state", err="twice")
    expect(root, "watch refuses an interval", 2, "watch", "-i", "9", err="10 to 3600000 milliseconds, not '9'")
    expect(root, "watch refuses a count", 2, "watch", "-n", "0", err="1 to 4294967295 rows, not '0'")
    expect(root, "watch of a card that is not there", 1, "watch", "-d", "accel7", err="no card is named 'accel7'")
    expect(root, "watch --list takes no metric", 2, "watch", "--list", "state", err="usage")
    done = run("", "watch", GAON_DEVICE="embedded")
    report("watch of the embedded device is refused", done.returncode == 1 and "part of the program" in done.stderr, done)


def test_output(root):
    """Nobody reads any more, or there is no room."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([GAON, "watch", "-i", "10", "--root", root], stdout=full, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60 * PATIENCE)
    report("watch: a full disk is told of, and is the end", done.returncode == 1 and "No space left" in done.stderr, done)
    for ignored in (False, True):
        live = Live(root, "watch", "-i", "10", restore_signals=not ignored)
        live.line()
        live.process.stdout.close()
        code = live.process.wait(timeout=60 * PATIENCE)
        err = live.process.stderr.read()
        live.process.stderr.close()
        report(f"watch: a closed pipe is the end, SIGPIPE {'ignored' if ignored else 'as it was'}",
               code == 1 and "Broken pipe" in err if ignored else code == -signal.SIGPIPE and not err, (code, err))


def test_changes(work, root):
    copy = os.path.join(work, "live")
    shutil.copytree(root, copy, symlinks=True)
    card = os.path.join(copy, CARD)
    live = Live(copy, "watch", "-i", "20", "-d", "accel2", "state", "temperature_c", "hbm_used_bytes", "resets")
    live.line()
    seed = random.randrange(1 << 32)
    numbers = random.Random(seed)
    missing = []
    for step in range(10):
        state, warm, used = numbers.choice(["ready", "degraded", "resetting", "asleep"]), numbers.randrange(-40000, 120000), \
            numbers.randrange(1 << 35)
        warm = warm if step else 82850      # a half, of which a product with 0.001 is the upper neighbour
        for name, text in (("state", state), ("hwmon/hwmon9/temp1_input", str(warm)), ("hbm_used", str(used))):
            recorded.put(card, name, text)
        # As the C library prints it: halves go either way, as the number in binary lies.
        want = f",accel2,{state},{warm / 1000:.1f},{used},3\n"
        if not live.until(lambda line: line.endswith(want)):  # pylint: disable=cell-var-from-loop
            missing.append(want)
            break
    report("watch: what changes is seen", not missing, f"seed {seed}: {missing}")
    for name, text in (("state", "\x1b[2J"), ("hwmon/hwmon9/temp1_input", "99999999999"), ("hbm_used", "-5")):
        recorded.put(card, name, text)
    os.remove(os.path.join(card, "resets"))
    report("watch: absurd and missing files are empty fields", live.until(lambda line: line.endswith(",accel2,,,,\n")))
    os.remove(os.path.join(copy, "sys/class/accel/accel2"))
    shutil.rmtree(os.path.join(copy, "sys/bus/pci/devices"))
    while live.line():
        pass
    code, err = live.end()
    report("watch: a card that goes is told of, and is the end", code == 1 and "(0000:81:00.0) is gone" in err and
           "no card is left" in err, (code, err))
    live = Live(copy, "watch", "-i", "20", "state")
    live.line()
    os.remove(os.path.join(copy, "sys/class/accel/accel0"))
    time.sleep(0.2 * PATIENCE)
    live.process.terminate()
    rows = live.process.stdout.read()
    code, err = live.end()
    report("watch: others are shown when one goes", code == -signal.SIGTERM and "accel0 (0000:02:00.0) is gone" in err and
           rows.rstrip().rsplit("\n", maxsplit=1)[-1].endswith(",accel1,"), (code, err, rows[-200:]))


def test_rate(work):
    """Parts of time: 4 cores, of which processes had 2,000,000 cycles in 1,000,000."""
    root = os.path.join(work, "rate")
    recorded.many(root, 1)
    live = Live(root, "watch", "--json", "-i", str(int(500 * PATIENCE)), "-n", "1", "core_use_percent", "processes")
    time.sleep(0.25 * PATIENCE)
    recorded.put(root, "proc/200/fdinfo/3", recorded.fdinfo("0000:01:00.0", 0, 2000000, 2000000))
    line = json.loads(live.line())
    code, err = live.end()
    report("watch: use is of the time between two rows", line["core_use_percent"] == 50 and line["processes"] == 1 and
           code == 0, (line, err))


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        test_values(root)
        test_refusals(root)
        test_output(root)
        test_changes(work, root)
        test_rate(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
