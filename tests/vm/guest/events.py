#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""events.py GAON INCIDENT: `gaon events` while things are done to a card that has the debug fuse: corrected errors,
a fault, resets, the driver unbound, the firmware hung until the driver gives up. Compared with what was done."""
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

from tap import check, finish

GAON, INCIDENT = sys.argv[1:]
PATIENCE = 120 * int(os.environ.get("GAON_SLOW", "1"))
INSTANCES = "/sys/kernel/tracing/instances"


def write(path, text):
    """Into a file of the kernel."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def text_of(path):
    """First line of a file."""
    with open(path, encoding="ascii") as file:
        return file.readline().strip()


class Events:
    """The command, and what it has told."""

    def __init__(self, *args, prefix=()):
        self.process = subprocess.Popen([*prefix, GAON, "events", "--json", *args], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.said = ""
        while "watching" not in self.said:
            self.said += self.process.stderr.readline() or "watching: it ended"
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=lambda: [self.lines.put(json.loads(line)) for line in self.process.stdout])
        self.reader.start()

    def want(self, kind, what, like=lambda event: True):
        """The next event of a kind that like() likes; others are passed over."""
        passed = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                event = self.lines.get(timeout=1)
            except queue.Empty:
                continue
            print(f"# {event['time']} {event['device']} {event['kind']}: {event['text']}")
            if event["kind"] == kind and like(event):
                check(True, what)
                return event
            passed.append(event)
        check(False, what, f"passed: {passed}")
        return {"details": {}, "address": None, "text": ""}

    def stop(self, how):
        """Exit status."""
        self.process.send_signal(how)
        self.reader.join()
        self.process.stderr.close()
        return self.process.wait(PATIENCE)


def dump_away():
    """The kernel keeps one dump of a card; the next needs its place."""
    for name in os.listdir("/sys/class/devcoredump"):
        if name.startswith("devcd"):
            write(f"/sys/class/devcoredump/{name}/data", "1")


device = os.path.realpath("/sys/class/accel/accel0/device")
address = os.path.basename(device)
debugfs = f"/sys/kernel/debug/accel/{address}/"
write(device + "/power/control", "on")
dump_away()

# One that is killed leaves its instance; the next one removes it.
killed = Events()
left = f"{INSTANCES}/gaon-events-{killed.process.pid}"
check(os.path.isdir(left), "tracepoints have an instance of their own")
killed.stop(signal.SIGKILL)
check(os.path.isdir(left), "which a killed command leaves")
events = Events()
check(not os.path.isdir(left), "and the next removes")
check("watching 1 card" in events.said and "not told" not in events.said, "root is told of everything", events.said)
plain = Events(prefix=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
check("sudo gaon events" in plain.said, "who is not root is told what is missing", plain.said)

for _ in range(4):
    write(debugfs + "inject", "ce hbm 0x305040")
for source, who in ((events, "root"), (plain, "a user")):
    event = source.want("ras", f"{who}: a page with four corrected errors")
    check(event["details"].get("value") == 0x305000 and event["address"] == address and "0x305000" in event["text"],
          f"{who}: which page", event)

said = dict(line.split() for line in subprocess.run([INCIDENT, "page"], stdout=subprocess.PIPE, text=True,
                                                    check=True).stdout.splitlines() if len(line.split()) == 2)
event = events.want("fault", "a fault")
want = {"fault": "page fault", "access": "write", "virtual_address": said["address"], "queue": int(said["queue"], 16)}
check(all(event["details"].get(key) == value for key, value in want.items()), "what it was, as the program knows it",
      (event, said))
event = events.want("coredump", "its dump")
file = event["details"].get("file", "")
check(os.path.exists(file), f"which is {file}")
check(subprocess.run([GAON, "coredump", file], stdout=subprocess.DEVNULL, check=False).returncode == 0, "and can be read")
plain.want("coredump", "a user is told of the dump")
dump_away()

resets = int(text_of(device + "/resets"))
write(debugfs + "reset", "device")
event = events.want("reset", "a reset")
check(event["details"] == {"count": 1, "resets": resets + 1, "why": "asked for in debugfs"}, "how many, and why", event)
event = plain.want("reset", "a user is told of it")
check(event["details"] == {"count": 1, "resets": resets + 1, "why": None}, "not why", event)

write("/sys/bus/pci/drivers/gaon/unbind", address)
events.want("driver", "the driver leaves", lambda e: e["details"]["to"] == "none" and e["device"] == address)
write("/sys/bus/pci/drivers/gaon/bind", address)
events.want("driver", "the driver comes", lambda e: e["details"]["to"] == "gaon" and e["address"] == address)
write(device + "/power/control", "on")

# Tracepoints go and come with the driver's module.
subprocess.run(["rmmod", "gaon"], check=True)
events.want("driver", "the module leaves", lambda e: e["details"]["to"] == "none")
subprocess.run(["modprobe", "gaon", "inject=1", "page_ce_limit=4", "channel_ce_limit=12"], check=True)
events.want("driver", "the module comes", lambda e: e["details"]["to"] == "gaon")
write(device + "/power/control", "on")
dump_away()
subprocess.run([INCIDENT, "illegal"], stdout=subprocess.DEVNULL, check=True)
event = events.want("fault", "a fault of the new one")
check(event["details"].get("fault") == "illegal instruction", "what it was", event)

# A firmware that hangs again and again is given up.
for _ in range(8):
    try:
        write(debugfs + "inject", "hang")
    except OSError:
        pass
    if text_of(device + "/state") == "wedged":
        break
event = events.want("reset", "a firmware that hangs is reset", lambda e: e["details"]["why"])
event = events.want("wedged", "and given up at last")
check(event["details"] == {"recovery": "rebind"} and text_of(device + "/state") == "wedged", "it says what may help", event)
events.want("state", "its state", lambda e: e["details"]["to"] == "wedged")
plain.want("wedged", "a user is told of it")
write("/sys/bus/pci/drivers/gaon/unbind", address)
write("/sys/bus/pci/drivers/gaon/bind", address)
events.want("driver", "which helps", lambda e: e["details"]["to"] == "gaon")

write(device + "/remove", "1")
events.want("removed", "a card is taken out", lambda e: e["address"] == address)
write("/sys/bus/pci/rescan", "1")
events.want("added", "and comes back", lambda e: e["address"] == address)
check(events.stop(signal.SIGTERM) == 0 and plain.stop(signal.SIGINT) == 0, "stopped, it ends well")
check(not [name for name in os.listdir(INSTANCES) if name.startswith("gaon-events")], "and leaves no instance")
late = subprocess.run([GAON, "events", "--count", "1", "--timeout", "1"], stdout=subprocess.DEVNULL,
                      stderr=subprocess.DEVNULL, check=False)
check(late.returncode == 4, "nothing happens any more: status 4 in the end", late)
sys.exit(finish())
