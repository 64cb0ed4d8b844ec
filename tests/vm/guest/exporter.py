#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""exporter.py GAON: what `gaon exporter` says of a real card, against what the kernel's files say."""
import json
import re
import subprocess
import sys
import time
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

number = 0
bad = 0


def check(good, what):
    """One line of TAP."""
    global number, bad  # pylint: disable=global-statement
    number += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {number} - {what}", flush=True)


def line(path):
    """First line of a file."""
    with open(path, encoding="ascii") as file:
        return file.readline().strip()


def set_power(pci, control):
    """Whether the card may sleep."""
    with open(pci + "/power/control", "w", encoding="ascii") as file:
        file.write(control)


def scrape(url):
    """{(name, labels): value}."""
    request = urllib.request.Request(url, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read().decode()
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in text_string_to_metric_families(text)
            for s in f.samples}


def main():
    gaon = sys.argv[1]
    subprocess.run(["busybox", "ifconfig", "lo", "127.0.0.1", "up"], check=True)
    address = subprocess.run(["sh", "tests/vm/guest/bdf.sh"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    pci = f"/sys/bus/pci/devices/{address}"
    # pylint: disable-next=consider-using-with
    exporter = subprocess.Popen([gaon, "exporter", "--processes", "--json", "--listen", "127.0.0.1:0"],
                                stdout=subprocess.PIPE, text=True)
    text = ""
    while not text.endswith("}\n"):
        text += exporter.stdout.readline()
    url = json.loads(text)["url"]
    with open("/dev/accel/accel0", "rb") as held:
        found = scrape(url)
        card = {"device": "accel0", "pci_bus_id": address}

        def value(name, **labels):
            hits = [v for (n, pairs), v in found.items() if n == name and set(labels.items()) <= set(pairs)]
            return hits[0] if len(hits) == 1 else hits

        check(value("gaon_device_info", serial=line(pci + "/serial"), firmware_version=line(pci + "/fw_version"),
                    driver="gaon", **card) == 1, "identity as in sysfs")
        check(value("gaon_device_state", gaon_device_state="ready", **card) == 1, "the card is ready")
        check(value("gaon_memory_size_bytes", **card) == int(line(pci + "/hbm_total")), "memory as in sysfs")
        check(value("gaon_resets_total", **card) == int(line(pci + "/resets")), "resets as in sysfs")
        check(0 < value("gaon_temperature_celsius", **card) < 120, "a temperature")
        check(value("gaon_clock_hertz", **card) > 1e6, "a clock")
        check(value("gaon_memory_errors_total", severity="uncorrected", **card) == 0, "error counters from debugfs")
        check(value("gaon_process_memory_bytes", memory="hbm", pid=str(exporter.pid)) == [], "the exporter itself has no card open")
        check([n for n, pairs in found if n == "gaon_process_memory_bytes" and ("memory", "hbm") in pairs and
               ("command", line("/proc/self/comm")) in pairs] != [], f"this process holds it: {held.name}")
        energy = value("gaon_energy_joules_total", **card)
        time.sleep(1)
        found = scrape(url)
        check(value("gaon_energy_joules_total", **card) >= energy, "energy does not fall")
    control = line(pci + "/power/control")
    set_power(pci, "auto")
    # A card that is asked goes to sleep all the same: five seconds after it was closed.
    end = time.monotonic() + 60
    while time.monotonic() < end and line(pci + "/power/runtime_status") != "suspended":
        with urllib.request.urlopen(url, timeout=60) as answer:
            answer.read()
        time.sleep(1)
    check(line(pci + "/power/runtime_status") == "suspended", "a card that is asked goes to sleep all the same")
    found = scrape(url)
    check(value("gaon_device_awake", **card) == 0 and value("gaon_temperature_celsius", **card) == [],
          "one that sleeps has no sensors")
    check(line(pci + "/power/runtime_status") == "suspended", "and was not woken")
    set_power(pci, control)
    subprocess.run(["sh", "-c", f"echo {address} >/sys/bus/pci/drivers/gaon/unbind"], check=True)
    time.sleep(0.5)
    found = scrape(url)
    check(value("gaon_device_info", driver="", pci_bus_id=address) == 1 and not [n for n, _ in found if re.match("gaon_power", n)],
          "a card without its driver is still told of")
    subprocess.run(["sh", "-c", f"echo {address} >/sys/bus/pci/drivers/gaon/bind"], check=True)
    exporter.terminate()
    check(exporter.wait(timeout=60) == 0, "SIGTERM ends it")
    print(f"1..{number}")
    return bad != 0


sys.exit(main())
