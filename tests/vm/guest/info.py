#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""info.py GAON: what `gaon info` says of the card, against what lspci, modinfo and lm-sensors say."""
import json
import re
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


def said(*command):
    """Standard output of a command that must succeed."""
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def link(text, what):
    """Speed in MT/s and width of a line of lspci; None for what it does not know."""
    match = re.search(what + r":.*?Speed (?:([0-9.]+)GT/s|unknown).*?Width (?:x(\d+)|unknown)", text)
    if not match:
        return None, None
    return match[1] and round(float(match[1]) * 1000), int(match[2]) if match[2] and match[2] != "0" else None


info = json.loads(said(sys.argv[1], "info", "--device", "accel0", "--json"))["devices"][0]
board = info["card"]
now = info["sensors"]
print(f"# {json.dumps(board)}")
card = said("lspci", "-vv", "-D", "-s", board["address"])
check(card.startswith(board["address"]), f"lspci knows {board['address']}")
check(f"Kernel driver in use: {board['driver']}" in card, f"driver {board['driver']}")
check((board["link"]["mtps"], board["link"]["width"]) == link(card, "LnkSta"), f"link now: {link(card, 'LnkSta')}")
check((board["link_max"]["mtps"], board["link_max"]["width"]) == link(card, "LnkCap"), f"link at most: {link(card, 'LnkCap')}")
version = said("modinfo", "-F", "version", "gaon").strip()
check(board["driver_version"] == version, f"version of the module: {version}")
check(board["state"] == "ready" and board["resets"] is not None, f"{board['state']}, {board['resets']} resets")
with open(f"/sys/bus/pci/devices/{board['address']}/fw_version", encoding="ascii") as file:
    firmware = file.read().strip()
check(info["device"]["firmware"].startswith(firmware + " "), f"firmware {firmware}")
check(now["source"] == "hwmon", "the kernel's sensors")
sensors = next(iter(json.loads(said("sensors", "-j", "gaon-pci-*")).values()))
warm = sensors["chip"]["temp1_input"]
check(abs(now["temperature_mc"] / 1000 - warm) < 10, f"{now['temperature_mc'] / 1000} and {warm} degrees Celsius")
check(now["clock_khz"] == info["device"]["clock_khz"], f"{now['clock_khz']} kHz, as the device itself says")
check(0 <= now["power_mw"] < 10**6, f"{now['power_mw']} mW")
text = said(sys.argv[1], "info", "--device", "accel0")
check(board["address"] in text and f"driver       gaon {version}, ready" in text, "the same as text")
sys.exit(bad != 0)
