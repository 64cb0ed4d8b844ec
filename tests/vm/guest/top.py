#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""top.py GAON: `gaon top` of a real node on a terminal: what it shows of a process, against fdinfo, and its end by key."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import gaontop

from tap import check, finish

GAON = sys.argv[1]
PATIENCE = 120 * int(os.environ.get("GAON_SLOW", "1"))


class Screen:
    """A terminal; what was written to it, without looking where."""

    def __init__(self, *command, user=None):
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(side)
        self.process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, start_new_session=True, user=user,
                                        env={**os.environ, "TERM": "linux"})
        self.side = side
        self.seen = ""

    def want(self, pattern, what):
        """Until it has been written, from here on."""
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, self.seen) and time.monotonic() < end:
            if select.select([self.main], [], [], 0.2)[0]:
                self.seen += os.read(self.main, 65536).decode(errors="replace")
                self.seen = re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]", " ", self.seen)
        found = re.search(pattern, self.seen)
        check(found, what, self.seen[-500:])
        self.seen = ""
        return found

    def keys(self, text):
        """Pressed."""
        os.write(self.main, text.encode())

    def end(self, what):
        """It has ended; the terminal's modes are as before."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.main], [], [], 0.2)[0]:
                os.read(self.main, 65536)
        check(self.process.returncode == 0 and termios.tcgetattr(self.side) == self.before, what, self.process.returncode)
        os.close(self.side)
        os.close(self.main)


def holder():
    """A process that has the card open and waits."""
    return subprocess.Popen(["sh", "-c", "exec 3<>/dev/accel/accel0; read line"],  # pylint: disable=consider-using-with
                            stdin=subprocess.PIPE)


address = os.path.basename(os.path.realpath("/sys/class/accel/accel0/device"))
with open(f"/sys/bus/pci/devices/{address}/power/control", "w", encoding="ascii") as control:
    control.write("on")
victim = holder()
while (address, victim.pid) not in [(device, pid) for (device, _), (pid, _) in gaontop.clients().items()]:
    time.sleep(0.05)

frame = json.loads(subprocess.run([GAON, "top", "--json", "--count", "1", "--interval", "100"], stdout=subprocess.PIPE,
                                  text=True, check=True).stdout)
print(f"# {json.dumps(frame)}")
card = frame["devices"][0]
check(card["address"] == address and card["state"] == "ready" and card["temperature_mc"] is not None, "the card", card)
check([(p["pid"], p["command"], p["device"]) for p in frame["processes"]] == [(victim.pid, "sh", "accel0")], "who has it open",
      frame["processes"])
info = [info for _, info in gaontop.clients().values()][0]
check(all(p["hbm_bytes"] == info["drm-total-hbm"] for p in frame["processes"]), "memory, as in fdinfo", info)

screen = Screen(GAON, "top", "--interval", "200", "--sort", "pid")
screen.want(rf"accel0.*{re.escape(address)}.*ready", "a screen with the card")
screen.keys("k")
screen.want("select a process first", "k asks for a process")
screen.keys("\x1b[B")
screen.keys("k")
screen.want(rf"{victim.pid} sh of root: t SIGTERM, 9 SIGKILL", "k asks which signal")
screen.keys("x")
time.sleep(0.5)
check(victim.poll() is None, "any other key does nothing")
screen.keys("k")
screen.want("t SIGTERM", "k asks again")
screen.keys("t")
screen.want("is sent", "t sends it")      # only what differs is written anew
check(victim.wait(PATIENCE) == -signal.SIGTERM, "which the process gets", victim.returncode)
screen.keys("q")
screen.end("q ends it, and the terminal is as it was")

screen = Screen(GAON, "top", "--interval", "200", user=65534)
screen.want("only root sees", "who is not root is told what is missing")
screen.keys("q")
screen.end("q ends it for who is not root")

# A card that goes while one looks.
screen = Screen(GAON, "top", "--interval", "200")
screen.want("accel0", "a screen")
with open(f"/sys/bus/pci/devices/{address}/remove", "w", encoding="ascii") as file:
    file.write("1")
screen.want("no card is here", "a card that is taken out")
with open("/sys/bus/pci/rescan", "w", encoding="ascii") as file:
    file.write("1")
screen.want("accel0", "and comes back")
screen.keys("q")
screen.end("and q ends it")
sys.exit(finish())
