#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The administrator's commands of `gaon` on recorded trees: cards that are not there."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import jsonschema

import recorded
from recorded_run import GAON, PATIENCE, TOP, document, expect, finish, report, run, schema_of


def full_disk():
    """For a child: files may have a hundred bytes."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


def test_help(root):
    table = document(root, "help")["commands"]
    for command in table:
        text = run(root, command["name"], "--help").stdout
        report(f"{command['name']} --help names its options", all(f"--{o['name']}" in text for o in command["options"]),
               text)
        letters = [o["letter"] for o in command["options"]]
        report(f"{command['name']}: no letter stands twice", len(set(letters)) == len(letters), letters)
        # diag is a plug-in of Nagios as well, for which 3 is what is not known.
        expect(root, f"{command['name']} refuses an unknown option", 3 if command["name"] == "diag" else 2, command["name"],
               "--no-such-option", err="unrecognized option.*\n.*usage: gaon")
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([GAON, command["name"], "--help"], stdout=full, stderr=subprocess.PIPE, text=True,
                                  check=False)
        report(f"{command['name']}: a full disk is told of", done.returncode == 1 and
               "No space left" in done.stderr, done)
    with open(os.path.join(TOP, "tools/gaon/gaon.1"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    for command in table:
        report(f"the manual has {command['name']}", f"\n.B {command['name']}\n" in page)


def test_info(root):
    devices = document(root, "info")["devices"]
    report("info: three cards, none opened", [d["name"] for d in devices] == ["accel0", "accel1", "accel2"] and
           not any(d["device"] or d["counters"] for d in devices), devices)
    first = devices[0]
    want = {"address": "0000:02:00.0", "node": "/dev/accel/accel0", "serial": recorded.SERIAL % 0, "driver": "gaon",
            "driver_version": "1.3", "firmware": "1.2.3", "firmware_abi": 1, "state": "ready", "power_state": "active",
            "resets": 3, "numa_node": 0, "iommu_group": 4, "link": {"mtps": 8000, "width": 8},
            "link_max": {"mtps": 16000, "width": 16}, "hbm_total_bytes": 32 << 30, "hbm_used_bytes": 3 << 29}
    report("info: what sysfs has of a card", first["card"] == want, first["card"])
    report("info: sensors", first["sensors"] == {
        "source": "hwmon", "temperature_mc": 41500, "temperature_max_mc": 100000, "temperature_crit_mc": 110000,
        "temperature_emergency_mc": 120000, "power_mw": 75250, "power_cap_mw": 150000, "power_cap_min_mw": 120000,
        "power_cap_max_mw": 250000, "power_cap_default_mw": 240000, "energy_uj": 123456789, "clock_khz": 1100000,
        "clock_limit_khz": 1150000, "throttle": ["power", "limit"]}, first["sensors"])
    report("info: errors from debugfs", first["errors"] == {"corrected": 7, "uncorrected": 1, "retired_pages": 1},
           first["errors"])
    report("info: processes", [p["pid"] for p in first["processes"]] == [100, 101] and
           first["processes"][0]["hbm_bytes"] == 2 << 20, first["processes"])
    expect(root, "info: as text", 0, "info", "-d", "accel0",
           out=r"(?s)8\.0 GT/s x8, at most 16\.0 GT/s x16.*gaon 1\.3, ready, 3 resets.*32 GiB HBM, 1\.5 GiB in use"
           r".*1\.100 GHz, 75\.2 W of at most 150 W, 41\.5 C \(slower from 100 C, off at 120 C\)"
           r".*clock limit  1\.150 GHz \(0\.400 to 1\.200\)\n  slowed down  by power, limit\n.*7 corrected.*100 llama-server")
    for name in ("accel2", "/dev/accel/accel2", "0000:81:00.0", "81:00.0", recorded.SERIAL % 2):
        expect(root, f"info of {name}", 0, "info", "--device", name, out="^accel2")
    expect(root, "info of a card that is not there names those that are", 1, "info", "--device", "accel9",
           err="no card is named 'accel9'.*accel0 .0000:02:00.0")
    expect("/nowhere", "a root that is not there", 1, "info", err="/nowhere.*record-tree")
    expect(root, "a root that is a file", 2, "info", "--root", GAON, err="record-tree")


def test_absurd(work, root):
    """Every file of a card missing, empty, absurd, in turn: said to be unknown, or left out."""
    copy = os.path.join(work, "absurd")
    shutil.copytree(root, copy, symlinks=True)
    card = os.path.join(copy, "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0")
    paths = [os.path.join(where, name) for where, _, names in os.walk(card) for name in names
             if not os.path.islink(os.path.join(where, name))]
    content = {}
    for path in paths:
        with open(path, "rb") as file:
            content[path] = file.read()
    schema = schema_of("info")
    bad = []

    def look(what):
        done = run(copy, "info", "--json")
        try:
            jsonschema.validate(json.loads(done.stdout), schema)
        except (ValueError, jsonschema.ValidationError) as error:
            bad.append((what, str(error).split("\n", maxsplit=1)[0], done.stderr))

    for path in paths:
        os.remove(path)
        look(path)
        put_back(path, content[path])
    for text in (b"", b"\n", b"-1\n", b"9" * 30 + b"\n", b"\xff\xfe\x1b[2J" * 500, b"0x\n", b"12 34\n"):
        for path in paths:
            if os.path.basename(path) not in ("vendor", "device", "subsystem_vendor", "subsystem_device"):
                put_back(path, text)
        look(text[:20])
    report(f"info: {len(paths)} files of a card missing or absurd", not bad, bad[:3])


def put_back(path, content):
    with open(path, "wb") as file:
        file.write(content)


def test_ps(work, root):
    ps = document(root, "ps", "--interval", "0")
    rows = [(p["pid"], p["device"], p["client"], p["shared"]) for p in ps["processes"]]
    report("ps: a row for each process and file, the same file once", sorted(rows) ==
           [(100, "accel0", 7, False), (100, "accel1", 8, False), (101, "accel0", 7, True)], rows)
    report("ps: all can be seen", ps["complete"] is True)
    expect(root, "ps of one card", 0, "ps", "-d", "accel1", "-i", "0", out=r"100 1000 +accel1 .*llama-server\n$")
    expect(root, "ps refuses an interval", 2, "ps", "-i", "soon", err="milliseconds, not 'soon'")
    # Shares are of the time between two readings: 4 cores, 1,000,000 cycles, of which 2,000,000 core cycles.
    copy = os.path.join(work, "ps")
    shutil.copytree(root, copy, symlinks=True)

    def work_on():
        time.sleep(0.5 * PATIENCE)
        for pid, number in ((100, 3), (100, 4), (101, 3)):
            put_back(f"{copy}/proc/{pid}/fdinfo/{number}",
                     recorded.fdinfo("0000:02:00.0", 7, 2400000, 2000000).encode())

    thread = threading.Thread(target=work_on)
    thread.start()
    done = document(copy, "ps", "--interval", str(int(2000 * PATIENCE)))
    thread.join()
    shares = {(p["pid"], p["device"]): p["core_share"] for p in done["processes"]}
    report("ps: shares of the cores", shares == {(100, "accel0"): 0.5, (100, "accel1"): 0, (101, "accel0"): 0.5}, shares)


def test_record(work, root):
    """A machine without cards, most likely: its own tree can be recorded, and is refused where it would hurt."""
    target = os.path.join(work, "own")
    done = subprocess.run([GAON, "record-tree", "--json", target], capture_output=True, text=True, check=False)
    schema = schema_of("record-tree")
    try:
        jsonschema.validate(json.loads(done.stdout), schema)
        report("record-tree --json fits its schema", done.returncode == 0, done.stderr)
    except (ValueError, jsonschema.ValidationError) as error:
        report("record-tree --json fits its schema", False, f"{error} {done.stderr}")
    report("record-tree has the kernel", os.path.exists(os.path.join(target, "proc/version")) and
           not os.path.exists(target + ".part"))
    expect(root, "record-tree refuses a name that is taken", 1, "record-tree", target, err="it is there already")
    expect(root, "record-tree refuses a place that is not there", 1, "record-tree", "/nowhere/tree",
           err="No such file or directory")
    expect(root, "record-tree needs a name", 2, "record-tree", err="usage")


def doctor_machine(root):
    """A machine on which nothing stands in the way."""
    bridge = "/sys/devices/pci0000:00/0000:00:01.0"
    recorded.bridge(root, bridge)
    recorded.card(root, 0, bridge + "/0000:01:00.0")
    recorded.module(root)
    recorded.put(root, "/proc/sys/kernel/osrelease", "7.3-test")
    recorded.put(root, "/lib/modules/7.3-test/modules.dep", "updates/gaon.ko: kernel/drivers/gpu/drm/ttm/ttm.ko")
    os.makedirs(os.path.join(root, "lib/firmware/gaon"))
    shutil.copy(os.path.join(os.environ["GAON_BUILD_DIR"], "firmware/ga1.bin"),
                os.path.join(root, "lib/firmware/gaon/ga1.bin"))


def test_doctor(work):
    """One thing broken after the other: the verdict, the command that mends it, the exit status."""
    card = "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    unloaded = ["rm -r sys/module/gaon sys/class/accel dev/accel", f"rm {card}/driver"]
    cases = [
        ("bus", "no card is on PCI", "lspci", ["rm -r sys/bus sys/class/accel/*"]),
        ("kernel", "without CONFIG_DRM_ACCEL", "linux-image", unloaded + ["mkdir boot", "echo '# CONFIG_DRM_ACCEL is not set' >boot/config-7.3-test"]),
        ("module", "installed, but not loaded", "^modprobe gaon$", unloaded),
        ("module", "not installed for this kernel, 7.3-test", "gaon-dkms", unloaded + [": >lib/modules/7.3-test/modules.dep"]),
        ("module", "etc/modprobe.d/no.conf forbids it", "remove its line", unloaded + ["mkdir -p etc/modprobe.d", "echo ' blacklist  gaon' >etc/modprobe.d/no.conf"]),
        ("module", "a container", "on the host", unloaded + ["rm -r lib/modules"]),
        ("firmware", "neither", "gaon-firmware", unloaded + ["rm lib/firmware/gaon/ga1.bin"]),
        ("firmware", "truncated", "reinstall", ["truncate -s 300 lib/firmware/gaon/ga1.bin"]),
        ("firmware", "no firmware image", "reinstall", ["head -c 4096 /dev/zero >lib/firmware/gaon/ga1.bin"]),
        ("firmware", "speaks admin ABI 77 to 77", "one release", ["printf 'M\\0M\\0' | dd of=lib/firmware/gaon/ga1.bin bs=1 seek=40 conv=notrunc 2>/dev/null"]),
        ("driver", "has no driver: it was refused", "bind tries again", [f"rm {card}/driver", "rm -r sys/class/accel/*"]),
        ("driver", "belongs to the driver vfio-pci", "unbind", [f"ln -sfn ../vfio-pci {card}/driver", "rm -r sys/class/accel/*"]),
        ("driver", "made no node", "dmesg", ["rm -r sys/class/accel/*"]),
        ("state", "is wedged", "reset", [f"echo wedged >{card}/state"]),
        ("node", "No such file", "--device /dev/accel/accel0", ["rm dev/accel/accel0"]),
    ]
    notes = [("link", "8.0 GT/s x8 of 16.0 GT/s x16", "another slot", []), ("state", "degraded", "gaon info", [f"echo degraded >{card}/state"]),
             ("iommu", "behind no IOMMU", "iommu=on", [f"rm {card}/iommu_group"]),
             ("container", "container of podman", "--group-add", ["mkdir run", ": >run/.containerenv"])]
    for verdict, group in (("bad", cases), ("note", notes)):
        for check, text, mend, commands in group:
            root = os.path.join(work, "doctor")
            doctor_machine(root)
            report(f"doctor finds nothing before: {check}", run(root, "doctor").returncode == 0, run(root, "doctor").stdout)
            for command in commands:
                subprocess.run(["sh", "-c", command], cwd=root, check=True)
            found = document(root, "doctor", code=int(verdict == "bad"))
            report(f"doctor: {check}: {text}", any(f["check"] == check and f["verdict"] == verdict and text in f["text"]
                   and re.search(mend, f["mend"]) for f in found["findings"]) and found["usable"] == (verdict != "bad"),
                   found)
            shutil.rmtree(root)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        test_help(root)
        test_info(root)
        test_absurd(work, root)
        test_ps(work, root)
        test_record(work, root)
        test_doctor(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
