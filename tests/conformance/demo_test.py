#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The digits demo as a person meets it: a progress bar and colours on a terminal, neither in a pipe, the
last line to the letter, its JSON against the schema, and the same result from the same seed."""
import json
import os
import pty
import random
import re
import subprocess
import sys

import jsonschema
from recorded_run import PATIENCE, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
DEMO = [os.path.join(BUILD, "bin", "gaon-demo-digits"), "--epochs=3", "--hidden=32"]
LAST = re.compile(r"^test accuracy: (\d+\.\d) % \((\d+) images\), device (\S+), "
                  r"modelled \d+\.\d\d ms, wall \d+\.\d\d s$")
CARD = os.environ.get("GAON_DEVICE", "")


def run(*args):
    return subprocess.run([*DEMO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=170 * PATIENCE, check=False)


def run_on_terminal(**extra_env):
    """Exit status and output of the demo on a terminal of its own."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(DEMO, stdout=theirs, stderr=theirs, stdin=theirs, env=dict(os.environ, **extra_env))
    os.close(theirs)
    out = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not data:
            break
        out += data
    os.close(ours)
    return child.wait(), out.decode(errors="replace").replace("\r\n", "\n")


def main():
    done = run()
    lines = done.stdout.splitlines()
    match = LAST.match(lines[-1]) if lines else None
    report("runs in a pipe", done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr}")
    report("the last line is as promised", bool(match), lines[-1] if lines else "nothing printed")
    report("neither bar nor colours in a pipe", "\r" not in done.stdout and "\033" not in done.stdout)
    report("draws images beside their labels", re.search(r"true \d, said \d", done.stdout) is not None
           and re.search(r"[#%@]{2}", done.stdout) is not None)

    code, text = run_on_terminal()
    report("runs on a terminal", code == 0, text[-500:])
    report("with a bar that fills", text.count("\r[") == 3 and "[" + "#" * 40 + "] epoch 3/3" in text, text[:500])
    report("in colours", "\033[48;5;" in text and text.rstrip("\n").splitlines()[-1].startswith("test accuracy: "))
    code, text = run_on_terminal(NO_COLOR="1")
    report("without them if NO_COLOR is set", code == 0 and "\033" not in text)

    done = run("--json")
    try:
        result = json.loads(done.stdout)
        with open(os.path.join(TOP, "tools/gaon/schema/demo-digits.json"), encoding="utf-8") as file:
            jsonschema.validate(result, json.load(file))
        report("JSON fits its schema", done.returncode == 0, done.stderr)
        report("JSON and text say the same", bool(match) and f"{100 * result['test_accuracy']:.1f}" == match[1]
               and result["test_images"] == int(match[2]) and result["device"] == match[3], done.stdout)
    except (ValueError, jsonschema.ValidationError) as error:
        report("JSON fits its schema", False, f"{error}\n{done.stderr}")
    again = json.loads(run("--json").stdout)
    # A card's clock runs on while the host does something else: only the embedded device's time repeats.
    report("the same seed gives the same losses" + ("" if CARD else " and device time"),
           again["losses"] == result["losses"] and (CARD or again["device_ms"] == result["device_ms"]),
           f"{result}\n{again}")
    other = json.loads(run("--json", "--seed=2").stdout)
    report("another seed gives others", other["losses"] != result["losses"])

    # As `make demo` runs it, with any split: at least 97 % of images that it was not trained on.
    for seed in (1, 5, 6, int(os.environ.get("GAON_SEED") or random.randrange(1 << 32))):
        done = subprocess.run([DEMO[0], "--json", f"--seed={seed}"], stdout=subprocess.PIPE, text=True,
                              timeout=170 * PATIENCE, check=False)
        result = json.loads(done.stdout)
        report(f"learns with seed {seed}", done.returncode == 0 and result["test_accuracy"] >= 0.97
               and result["host_agrees"] and result["test_images"] >= 350,
               f"{result['correct']} of {result['test_images']} right")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
