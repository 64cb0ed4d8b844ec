#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`make bench-vm`: runs gaon-bench-vm in a guest and brings its rows back."""
import argparse
import os
import shlex
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "vm"))
# pylint: disable=wrong-import-position
import vm_image  # noqa: E402
from vm_boot import BootError, Machine  # noqa: E402
from vm_image import ImageError  # noqa: E402
from vm_plan import KERNELS, PlanError, shape  # noqa: E402

ROWS = "--- rows ---"   # between what is shown and what is kept


def measure(options):
    """Boots a guest, runs the program, returns (its exit status is 0, the rows as JSON)."""
    image = vm_image.guest(options.kernel, options.build)
    vm_image.prepare(image, options.build)
    program = os.path.join(os.path.abspath(options.build), "tests/bench/gaon-bench-vm")
    rows, shown = [], [True]

    def on_line(line):
        if line == ROWS:
            shown[0] = False
        elif shown[0]:
            print(line, flush=True)
        else:
            rows.append(line)

    command = f"{program} --json-file /tmp/rows.json {shlex.join(options.arguments)} 2>&1 && " \
              f"echo '{ROWS}' && cat /tmp/rows.json"
    print(f"Linux {image.release}, {os.cpu_count()} processors of the host. Absolute figures are an emulated "
          "processor's: only ratios count.", flush=True)
    machine = Machine(image, shape("bench"), options.build, "bench")
    try:
        machine.wait_ready()
        for number, (line, seconds) in enumerate([("modprobe gaon", 60), (command, options.timeout)]):
            _, troubles = machine.run(number, line, seconds, on_line=on_line)
            if troubles:
                print("".join(f"bench_vm.py: {kind}: {text}\n" for kind, text in troubles.items()) +
                      f"bench_vm.py: the guest's console: {machine.console_path}", file=sys.stderr)
                return False, rows
    finally:
        machine.stop()
    return True, rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--kernel", default="", help="one of " + ", ".join(KERNELS) + "; default: 7.3")
    parser.add_argument("--json-file", default="", help="write the rows to this file")
    parser.add_argument("--timeout", type=int, default=3600, help="seconds")
    parser.add_argument("arguments", nargs="*", help="for gaon-bench-vm, behind --")
    options = parser.parse_args()
    options.kernel = options.kernel or "7.3"
    if options.kernel not in KERNELS:
        parser.error(f"no kernel {options.kernel}; there are: {', '.join(KERNELS)}")
    try:
        good, rows = measure(options)
    except (PlanError, ImageError, BootError) as error:
        print(f"bench_vm.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if good and options.json_file:
        with open(options.json_file, "w", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
