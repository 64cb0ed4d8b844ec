#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""watch.py GAON PROGRAM...: `gaon watch` of a real node, against files read here, while PROGRAM uses the card,
while the card sleeps, loses its driver, and is taken out."""
import csv
import glob
import json
import os
import subprocess
import sys
import time

import gaontop

from tap import check, finish

GAON, PROGRAM = sys.argv[1], sys.argv[2:]
PATIENCE = 120 * int(os.environ.get("GAON_SLOW", "1"))


def text_of(path):
    """First line of a file, None if it cannot be read."""
    try:
        with open(path, encoding="ascii") as file:
            return file.readline().strip()
    except OSError:
        return None


def write(path, text):
    """Into a file of sysfs."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def wait(what, condition):
    """Until it is so."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            check(False, what, "it does not come")
            return False
        time.sleep(0.05)
    return True


def watch(*args, prefix=()):
    """(exit status, rows, standard error)"""
    done = subprocess.run([*prefix, GAON, "watch", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          check=False, timeout=PATIENCE)
    return done.returncode, list(csv.DictReader(done.stdout.splitlines())), done.stderr


names = [m["name"] for m in json.loads(subprocess.run([GAON, "watch", "--list", "--json"], stdout=subprocess.PIPE,
                                                      text=True, check=True).stdout)["metrics"]]
device = os.path.realpath("/sys/class/accel/accel0/device")
address = os.path.basename(device)
hwmon = glob.glob(device + "/hwmon/hwmon*")[0]
write(device + "/power/control", "on")
wait("the card is awake", lambda: text_of(device + "/power/runtime_status") == "active")

code, rows, err = watch("-n", "1", "-i", "10", *names)
row = rows[0]
print(f"# {row}")
check(code == 0 and len(rows) == 1 and row["device"] == "accel0", "one row of one card", err)
for name, path in (("state", device + "/state"), ("hbm_used_bytes", device + "/hbm_used"), ("resets", device + "/resets"),
                   ("hbm_total_bytes", device + "/hbm_total"), ("power_state", device + "/power/runtime_status")):
    check(row[name] == text_of(path), f"{name} is {text_of(path)}", row[name])
check(abs(float(row["temperature_c"]) - int(text_of(hwmon + "/temp1_input")) / 1000) < 10, "temperature", row)
check(int(row["clock_mhz"]) == round(int(text_of(hwmon + "/freq1_input")) / 1e6), "clock", row)
check(0 <= float(row["energy_j"]) <= int(text_of(hwmon + "/energy1_input")) / 1e6, "energy, which only grows", row)
check(row["processes"] == "0" and row["core_use_percent"] == "0.0", "nobody uses it", row)
with open(f"/sys/kernel/debug/accel/{address}/errors", encoding="ascii") as file:
    counts = [line.split() for line in file.read().splitlines()[1:]]
check(row["errors_corrected"] == str(sum(int(line[1]) for line in counts)) and
      row["errors_uncorrected"] == str(sum(int(line[2]) for line in counts)), "errors, as in debugfs", row)

code, rows, err = watch("-n", "1", "-i", "10", "errors_corrected", "processes", "temperature_c",
                        prefix=("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"))
check(code == 0 and rows[0]["errors_corrected"] == "" and rows[0]["temperature_c"] != "", "who is not root sees less", rows)
check("only root sees other users' processes" in err, "and is told so", err)

# What a program uses meanwhile, by two readings of fdinfo around that of the command. It may be over before both.
seen = []
for _ in range(60):
    with subprocess.Popen(PROGRAM, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        while program.poll() is None and not gaontop.clients():
            time.sleep(0.01)
        while program.poll() is None and len(seen) < 8:
            before = gaontop.clients()
            code, rows, err = watch("-n", "1", "-i", "20", "core_use_percent", "processes")
            after = gaontop.clients()
            shares = [gaontop.use(before[key][1], after[key][1]) for key in before if key in after]
            if code == 0 and shares and shares[0] is not None:
                cores = after[next(iter(after))][1]["drm-engine-capacity-core"]
                seen.append((float(rows[0]["core_use_percent"]), 100 * shares[0] / cores, rows[0]["processes"]))
        program.wait()
    if seen:
        break
print(f"# use by gaon watch and by fdinfo, processes: {seen}")
check(seen and all(processes == "1" for _, _, processes in seen), "one process while it runs", seen)
check(seen and all(0 <= mine <= 100 for mine, _, _ in seen), "use is a part", seen)
busy = max(seen, key=lambda one: one[1], default=(0, 0, ""))
check(busy[1] < 1 or busy[0] > 0, "a program that uses cores is seen to", seen)

write(device + "/power/autosuspend_delay_ms", "100")
write(device + "/power/control", "auto")
if wait("the card sleeps", lambda: text_of(device + "/power/runtime_status") == "suspended"):
    code, rows, err = watch("-n", "3", "-i", "100", *names)
    check(code == 0 and len(rows) == 3 and all(r["power_state"] == "suspended" and r["temperature_c"] == "" and
                                               r["errors_corrected"] == "" for r in rows),
          "a card that sleeps has no readings", rows)
    check(text_of(device + "/power/runtime_status") == "suspended", "and is not woken")
write(device + "/power/control", "on")

with subprocess.Popen([GAON, "watch", "--json", "-i", "50", "state"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                      text=True) as live:
    live.stdout.readline()
    write("/sys/bus/pci/drivers/gaon/unbind", address)
    row = {"device": "accel0"}
    while row["device"] != address:
        row = json.loads(live.stdout.readline())
    check(row["state"] is None, "without a driver it has its address as name, and no state", row)
    write("/sys/bus/pci/drivers/gaon/bind", address)
    while row["state"] != "ready":
        row = json.loads(live.stdout.readline())
    check(row["device"].startswith("accel"), f"with the driver it is {row['device']}", row)
    write(device + "/remove", "1")
    rest = live.stdout.read()
    err = live.stderr.read()
    live.wait()
check(live.returncode == 1 and f"({address}) is gone" in err and "no card is left" in err, "a card that is taken out", err)
write("/sys/bus/pci/rescan", "1")
wait("the card is back", lambda: text_of(device + "/state") == "ready")
sys.exit(finish())
