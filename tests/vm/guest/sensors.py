#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What lm-sensors makes of the card."""
import glob
import json
import subprocess
import sys

number = 0
bad = 0


def check(good, what):
    """One line of TAP."""
    global number, bad  # pylint: disable=global-statement
    number += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {number} - {what}")


text = subprocess.run(["sensors", "gaon-pci-*"], stdout=subprocess.PIPE, text=True, check=False).stdout
print("".join(f"# {line}\n" for line in text.splitlines()), end="")
raw = subprocess.run(["sensors", "-j", "gaon-pci-*"], stdout=subprocess.PIPE, text=True, check=False).stdout
chips = json.loads(raw or "{}")
check(len(chips) == 1, f"one chip: {', '.join(chips)}")
for chip in chips.values():
    check(chip.get("Adapter") == "PCI adapter", f"adapter: {chip.get('Adapter')}")
    temp = chip.get("chip", {}).get("temp1_input", -1)
    check(0 < temp < 120, f"temperature {temp} degrees Celsius")
    power = next((value for key, value in chip.get("power", {}).items() if key.startswith("power1")), -1)
    check(0 <= power < 1000, f"power {power} W")
    energy = chip.get("energy", {}).get("energy1_input", -1)
    check(energy >= 0, f"energy {energy} J")
# What lm-sensors does not know: read where it lies.
clocks = glob.glob("/sys/bus/pci/drivers/gaon/*/hwmon/hwmon*/freq1_input")
check(len(clocks) == 1, "freq1_input")
for path in clocks:
    with open(path, encoding="ascii") as file:
        check(10**8 < int(file.read()) < 10**10, "clock of the cores between 100 MHz and 10 GHz")
sys.exit(bad != 0)
