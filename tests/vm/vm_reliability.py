#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What was made to go wrong in guests, how often, and what it cost: the figures of Documentation/reliability.rst.

Runs those tests that do so, and adds up what they say they have done (`# figure: KIND: WHAT: NUMBER`, uapi_figure()
of tests/uapi). A figure counts only if the program that prints it has come through without a failure.
"""
import argparse
import csv
import dataclasses
import json
import os
import re
import sys
import time

import vm
import vm_image
from vm_boot import BootError
from vm_image import ImageError
from vm_plan import KERNELS, PlanError, boots

# Of each shape, the tests that print figures.
_TESTS = {
    "fuse": ("ras/inject",), "ladder": ("liar/ladder",), "liar": ("liar/all",), "port": ("link/errors", "link/lost"),
    "fuzz": ("fuzz/ioctl",), "sleep": ("power/sleep",), "hibernate": ("power/hibernate",), "plain": ("uapi/unplug", "uapi/fail"),
    "edges": ("edges/storm", "edges/held", "edges/kills", "edges/asid", "edges/restart", "edges/seen"),
    "cycles": ("edges/bind", "edges/load"), "tight": ("fail/bind",),
}
_LONGER = {
    "edges/storm": "$O/tests/uapi/edges/storm 20", "edges/bind": "$O/tests/uapi/edges/cycles bind 500",
    "edges/load": "$O/tests/uapi/edges/cycles load 500", "edges/restart": "$O/tests/uapi/edges/restart 100",
}
_SOAK = "soak/chaos"
_STEP = re.compile(r"^== (\S+): \{")
_FIGURE = re.compile(r"^(\S+): # figure: (.*): (.*): (\d+)$")
_FAILED = re.compile(r"^(\S+): not ok\b")


def plan(options):
    """[(kernel, Shape, [Test])]: what there is to run."""
    chosen = [(kernel, kind, [dataclasses.replace(test, run=_LONGER.get(test.name, test.run)) for test in tests
                              if test.name in _TESTS.get(kind.name, ())])
              for kernel, kind, tests in boots(options.build, options.kernels, shape=options.shape)]
    if options.minutes:
        chosen += boots(options.build, options.kernels, _SOAK, options.shape)
    return [entry for entry in chosen if entry[2]]


def figures(path):
    """The figures of a boot's log, of tests without a failure: [(kind, what, number)]."""
    found, out, failed = {}, [], set()
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            figure, bad, end = _FIGURE.match(line), _FAILED.match(line), _STEP.match(line)
            if figure:
                found.setdefault(figure[1], []).append((figure[2], figure[3], int(figure[4])))
            elif bad:
                failed.add(bad[1])
            elif end and line.rstrip().endswith("{}") and end[1] not in failed:
                out += found.pop(end[1], [])
    return out


def add(table, rows):
    """Adds figures to {(kind, what): number}: the largest of what is "at most" or a rate, the sum of others."""
    for kind, what, number in rows:
        old = table.get((kind, what), 0)
        table[kind, what] = max(old, number) if what.endswith(("at most", "in a minute")) else old + number


def show(table):
    """For people."""
    last = None
    for (kind, what), number in table.items():
        if kind != last:
            print(f"# {kind}")
        last = kind
        print(f"#   {what:78} {number:14,}")


def write(table, options, seconds):
    """The JSON and the table of the documentation."""
    if options.json:
        with open(options.json, "w", encoding="utf-8") as out:
            json.dump({"kernels": list(options.kernels), "seconds": round(seconds),
                       "figures": [{"kind": kind, "what": what, "number": number}
                                   for (kind, what), number in table.items()]}, out, indent=1)
            out.write("\n")
    if options.table:
        with open(options.table, "w", encoding="utf-8", newline="") as out:
            rows, last = csv.writer(out, lineterminator="\n"), None
            for (kind, what), number in table.items():
                rows.writerow((kind if kind != last else "", what, f"{number:,}"))
                last = kind


def run(options):
    """Runs all; the exit status."""
    work = plan(options)
    if not work:
        raise PlanError("no test matches")
    os.environ["GAON_MINUTES"] = str(options.minutes)
    tap, table, images, start = vm.Tap(), {}, {}, time.monotonic()
    for kernel, kind, tests in work:
        if kernel not in images:
            images[kernel] = vm_image.guest(kernel, options.build)
            vm_image.prepare(images[kernel], options.build)
        boot = vm.Boot(images[kernel], kind, tests, options.build, tap, options.verbose)
        boot.run()
        got = figures(boot.log_path)
        tap.result(bool(got), f"{boot.title} gives figures")
        add(table, got)
    show(table)
    write(table, options, time.monotonic() - start)
    return tap.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--kernel", default="7.3", help=f"of {', '.join(KERNELS)}; several with commas")
    parser.add_argument("--shape", default="", help="only this shape of guest")
    parser.add_argument("--minutes", type=int, default=10, help="of soak; 0: none")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--table", help="and the table of the documentation to this one")
    parser.add_argument("--verbose", action="store_true", help="show all that tests print")
    options = parser.parse_args()
    options.kernels = options.kernel.split(",")
    try:
        return run(options)
    except (PlanError, ImageError, BootError, OSError) as error:
        print(f"vm_reliability.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
