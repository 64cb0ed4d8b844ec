#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Commands of `gaon` that change a machine, on recorded trees: what they refuse, and what they say."""
import os
import shutil
import subprocess
import sys
import tempfile

import admin_test
import recorded
from admin_test import document, expect, report

RELEASE = "7.3-test"


def test_reset(root):
    held = expect(root, "reset of a card that is in use", 1, "reset", "-d", "accel0",
                  err=r"accel0 is in use; nothing was reset\n.*process 100, llama-server, of 1000 has 0000:02:00\.0 open, with "
                  r"2 MiB of its memory\n.*process 101, worker, of 0 has .*\n.*gaon reset --device accel0 --method function --force")
    report("reset: the same process once", held.stderr.count("process 100") == 1, held.stderr)
    expect(root, "reset of a card that is free, on a recorded tree", 1, "reset", "-d", "accel2", err="recorded tree: it cannot")
    expect(root, "reset --force of one in use, on a recorded tree", 1, "reset", "-d", "accel0", "--force", err="recorded tree")
    expect(root, "reset without a device", 2, "reset", err="--device says which card")
    report("reset: GAON_DEVICE names none", admin_test.run(root, "reset", GAON_DEVICE="accel2").returncode == 2)
    expect(root, "reset of a card that is not there", 1, "reset", "-d", "accel7", err="no card is named 'accel7'; there are: accel0")
    expect(root, "reset in a way that is not there", 2, "reset", "-d", "accel2", "-m", "hammer", err="function, chip or engines")
    done = document(root, "reset", "-d", "0000:02:00.0", "-m", "chip", code=1)
    report("reset: who holds it, as JSON", done["done"] is False and done["state"] == "ready" and done["resets"] == 3 and
           [h["pid"] for h in done["holders"]] == [100, 101], done)
    os.remove(os.path.join(root, "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0/driver"))
    recorded.link(root, "/sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0/driver", "../vfio-pci")
    shutil.rmtree(os.path.join(root, "sys/class/accel/accel2"), ignore_errors=True)
    os.remove(os.path.join(root, "sys/class/accel/accel2"))
    expect(root, "reset of another driver's card", 1, "reset", "-d", "81:00.0", err="belongs to the driver vfio-pci, perhaps")


def install_module(root, version="1.3", source="AAAA"):
    """A module file that depmod and libkmod take for one: only what modinfo reads is in it."""
    where = os.path.join(root, "lib/modules", RELEASE)
    os.makedirs(os.path.join(where, "updates"), exist_ok=True)
    info = [f"version={version}", f"srcversion={source}", "name=gaon", "license=Dual MIT/GPL", "parm=coredump:keep a dump",
            "parmtype=coredump:bool", "parm=job_timeout_ms:longest time", "parmtype=job_timeout_ms:uint",
            "parm=note:a text", "parmtype=note:charp"]
    code = "".join(f'__attribute__((section(".modinfo"), used, aligned(1))) static const char i{n}[] = "{text}";\n'
                   for n, text in enumerate(info))
    subprocess.run(["clang-22", "-xc", "-", "-c", "-o", os.path.join(where, "updates/gaon.ko")], input=code, text=True, check=True)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        recorded.put(where, name)
    subprocess.run(["/sbin/depmod", "-b", root, RELEASE], check=True)
    recorded.put(root, "/proc/sys/kernel/osrelease", RELEASE)


def test_module(root):
    bare = document(root, "module")
    report("module: not installed", bare["loaded"] and bare["file"] is None and bare["file_is_loaded"] is None, bare)
    expect(root, "module load of one that is not installed", 0, "module", "load")
    shutil.copytree(os.path.join(root, "sys/module"), os.path.join(root, "sys/kept"))
    shutil.rmtree(os.path.join(root, "sys/module/gaon"))
    recorded.put(root, "/proc/sys/kernel/osrelease", RELEASE)
    expect(root, "module load where none is installed", 1, "module", "load", err=f"linux-headers-{RELEASE}")
    install_module(root)
    found = document(root, "module", "status")
    report("module: installed, and not loaded", not found["loaded"] and found["file_version"] == "1.3" and
           found["file"].endswith("updates/gaon.ko") and found["references"] is None, found)
    expect(root, "module load on a recorded tree", 1, "module", "load", err="recorded tree: no module of it can be loaded")
    expect(root, "module load of an option that is none", 1, "module", "load", "speed=9",
           err="no parameter 'speed'; there are coredump, job_timeout_ms, note")
    for option, kind in (("coredump=maybe", "bool"), ("job_timeout_ms=-1", "uint"), ("job_timeout_ms=4294967296", "uint"),
                         ("job-timeout-ms=", "uint"), ('note=a"b', "charp")):
        expect(root, f"module load of {option}", 1, "module", "load", option, err=f"takes a value of type {kind}, not")
    expect(root, "module load of what is no option", 1, "module", "load", "coredump", err="NAME=VALUE, not 'coredump'")
    expect(root, "module unload of one that is not loaded", 0, "module", "unload", out="loaded +no")
    shutil.move(os.path.join(root, "sys/kept/gaon"), os.path.join(root, "sys/module/gaon"))
    for name, text in (("srcversion", "BBBB"), ("initstate", "live"), ("refcnt", "3"), ("holders/friend", "")):
        recorded.put(root, "/sys/module/gaon/" + name, text)
    recorded.put(root, "/etc/modprobe.d/gaon.conf", "# options gaon note=no\noptions gaon job_timeout_ms=100 coredump=0\n"
                 "options other job_timeout_ms=7\n")
    recorded.put(root, "/etc/modprobe.d/gaon_local.conf", "options gaon job_timeout_ms=200\n")
    found = document(root, "module")
    report("module: another one is loaded than is installed", found["file_is_loaded"] is False and found["references"] == 3, found)
    report("module: cards and processes", found["cards"] == ["accel0", "accel1", "accel2"] and
           [p["pid"] for p in found["processes"]] == [100, 100, 101], found)
    parameters = {p["name"]: (p["type"], p["value"], p["next"]) for p in found["parameters"]}
    report("module: parameters, of now and of the next load; the later file counts", parameters == {
        "coredump": ("bool", None, "0"), "job_timeout_ms": ("uint", "0", "200"), "note": ("charp", None, None)}, parameters)
    expect(root, "module as text", 0, "module", out=r"(?s)loaded +version 1\.3\n.*not the one that is loaded: unload and load.*"
           r"held by +100 llama-server \(0000:02:00\.0\), 100 ")
    expect(root, "module options as text", 0, "module", "options", out=r"job_timeout_ms +uint +0 +200 +longest time")
    expect(root, "module unload of one in use", 1, "module", "unload",
           err=r"(?s)in use; it stays\n.*the module friend needs it\n.*process 100, llama-server")
    expect(root, "module load with options of one that is loaded", 1, "module", "load", "coredump=1", err="gaon module unload, then")
    expect(root, "module options are not kept on a recorded tree", 1, "module", "options", "coredump=1", err="nothing of it is changed")
    for arguments in (("sideways",), ("load unload",), ("status", "a=b"), ("unload", "a=b"), ("--now", "status"), ("--now", "options")):
        expect(root, f"module {' '.join(arguments)} is refused", 2, "module", *arguments, err="usage")


def main():
    with tempfile.TemporaryDirectory() as work:
        for name, test in (("reset", test_reset), ("module", test_module)):
            root = os.path.join(work, name)
            recorded.machine(root)
            test(root)
    return 1 if admin_test.FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
