#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Commands of `gaon` that change a machine, on recorded trees: what they refuse, and what they say."""
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import jsonschema
import yaml

import admin_test
import recorded
from admin_test import GAON, TOP, document, expect, full_disk, report

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
    expect(root, "reset in a way that is not there", 2, "reset", "-d", "accel2", "-m", "hammer", err="function, chip, firmware or engines")
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


def fw(*args, code=0, name=None, err="", out=""):
    """One command that is on no tree."""
    return expect("", name or f"fw {' '.join(os.path.basename(a) for a in args)}", code, "fw", *args, err=err, out=out)


def test_fw(work):
    """Images against openssl's own tools, and each byte of one changed."""
    built = os.path.join(os.environ["GAON_BUILD_DIR"], "firmware/ga1.bin")
    fw("inspect", built, out=r"(?s)version +0\.\d+\.\d+, gaon-fw.*digest right.*the development key: anybody.*signature +right")
    fw("verify", built, out="signature +right")
    key, other, public = (os.path.join(work, name) for name in ("key.pem", "other.pem", "public.pem"))
    for path in (key, other):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    signed = os.path.join(work, "signed.bin")
    done = document("", "fw", "--key", key, "--output", signed, "--security-version", "7", "sign", built)
    report("fw sign: what it says", done["header"]["security_version"] == 7 and done["output"] == signed and
           all(done["checks"].values()), done)
    with open(signed, "rb") as file:
        image = file.read()
    with open(built, "rb") as file:
        report("fw sign: the payload is the same", file.read()[256:] == image[256:])
    for name, data in (("head", image[:192]), ("signature", image[192:256])):
        with open(os.path.join(work, name), "wb") as file:
            file.write(data)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", public, "-in", os.path.join(work, "head"),
                           "-sigfile", os.path.join(work, "signature")], capture_output=True, text=True, check=False)
    report("fw sign: openssl verifies the signature", done.returncode == 0, done.stdout + done.stderr)
    raw = subprocess.run(["openssl", "pkey", "-pubin", "-in", public, "-outform", "DER"], capture_output=True, check=True).stdout[-32:]
    report("fw sign: digest and key id", image[80:112] == hashlib.sha256(image[256:]).digest() and
           image[112:120] == hashlib.sha256(raw).digest()[:8])
    fw("--key", public, "verify", signed, out="signature +right")
    fw("verify", signed, code=1, err="names another key than the given one")
    fw("--key", other, "verify", signed, code=1, err="names another key")
    fw("inspect", signed, out="signature +not verified", name="fw inspect of an image of another key is no failure")
    # Its own bytes 192 on are the signature; the name of the key is what it says.
    forged = os.path.join(work, "forged.bin")
    with open(forged, "wb") as file:
        file.write(image[:192] + bytes(64) + image[256:])
    fw("--key", key, "verify", forged, code=1, err="signature is not of that key")
    draw = random.Random(int(os.environ.get("GAON_SEED", "0")) or 1)
    missed = []
    for at in sorted({*range(0, 256, 3), *(draw.randrange(len(image)) for _ in range(60))}):
        with open(forged, "wb") as file:
            file.write(image[:at] + bytes([image[at] ^ 1 << draw.randrange(8)]) + image[at + 1:])
        done = admin_test.run("", "fw", "--key", public, "verify", forged)
        missed += [(at, done.stderr)] * (done.returncode != 1 or "gaon fw: " + forged + ": " not in done.stderr)
    report("fw verify: one bit of an image changed, in a hundred and more places", not missed, missed[:3])
    for size in (0, 1, 100, 255, 256, 300, len(image) - 1):
        with open(forged, "wb") as file:
            file.write(image[:size])
        fw("verify", forged, code=1, err="gaon fw: .*: it is|more than", name=f"fw verify of the first {size} bytes")
    with open(forged, "wb") as file:
        file.write(image + bytes(1 << 20))
    fw("verify", forged, code=1, err="more than the 1048576 bytes")
    payload = os.path.join(work, "payload")
    with open(payload, "wb") as file:
        file.write(b"\x13\0\0\0" * 5)
    fw("--key", key, "--output", forged, "sign", payload, code=1, err="no image; a payload is made one with --load")
    fw("--key", key, "--output", forged, "--load", "0x20004000", "--firmware-version", "3.2.1", "sign", payload,
       out="version +3.2.1")
    fw("--key", key, "verify", forged, out="payload +32 bytes at 0x20004000")
    fw("--key", key, "--output", forged, "--load", "0x10", "--firmware-version", "3.2.1", "sign", payload, code=1,
       err="load address is outside")
    fw("--key", public, "--output", forged, "sign", built, code=1, err="holds no Ed25519 private key")
    fw("--output", forged, "sign", built, code=2, err="needs --key")
    fw("--load", "far", "sign", built, code=2, err="-l takes a number")
    fw("--firmware-version", "1.2", "sign", built, code=2, err="-V takes a version")
    fw("polish", built, code=2, err="usage")
    fw("verify", "/nowhere", code=1, err="No such file")
    fw("--key", payload, "verify", built, code=1, err="holds no Ed25519 key")
    where = os.path.join(work, "firmware")
    os.mkdir(where)
    done = document("", "fw", "--directory", where, "install", built)
    target = os.path.join(where, "gaon/ga1.bin")
    report("fw install: where it goes", done["output"] == target and os.listdir(os.path.join(where, "gaon")) == ["ga1.bin"], done)
    fw("--directory", where, "install", signed, code=1, err="names another key")
    fw("--directory", where, "--key", key, "install", signed, out="installed +.*gaon module unload && gaon module load")
    fw("--directory", where, "install", built, code=1, err="security version 1, the installed one 7: .* refuse this; --force")
    fw("--directory", where, "--force", "install", built, out="installed")
    with open(target, "rb") as file, open(built, "rb") as want:
        report("fw install: the same bytes", file.read() == want.read())
    fw("--directory", "/nowhere", "install", built, code=1, err="/nowhere/gaon cannot be written: No such file")


def test_cdi(root):
    """The Container Device Interface: its own schema, YAML that is the same as JSON, and files."""
    with open(os.path.join(TOP, "tests/conformance/cdi_schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    spec = document(root, "cdi")
    jsonschema.validate(spec, schema)
    names = {device["name"]: [node["hostPath"] for node in device["containerEdits"]["deviceNodes"]] for device in spec["devices"]}
    nodes = [f"/dev/accel/accel{n}" for n in range(3)]
    report("cdi: by node, by serial number, and all", names == {
        **{f"accel{n}": [nodes[n]] for n in range(3)}, **{recorded.SERIAL % n: [nodes[n]] for n in range(3)}, "all": nodes}, names)
    report("cdi: YAML says the same", yaml.safe_load(admin_test.run(root, "cdi").stdout) == spec)
    os.chown(os.path.join(root, "dev/accel/accel0"), -1, os.getgid())
    groups = document(root, "cdi", "--groups")
    jsonschema.validate(groups, schema)
    own = [os.getgid()] if os.getgid() else []
    report("cdi --groups: the nodes' groups, but for root's", groups["cdiVersion"] == "0.7.0" and
           groups["containerEdits"] == {"additionalGids": own}, groups)
    report("cdi --groups: YAML says the same", yaml.safe_load(admin_test.run(root, "cdi", "--groups").stdout) == groups)
    where = os.path.join(root, "etc/cdi")
    os.makedirs(where)
    for end, load in (("yaml", yaml.safe_load), ("json", json.loads)):
        path = os.path.join(where, "gaon." + end)
        expect(root, f"cdi --output of {end}", 0, "cdi", "--output", path, out="7 devices: podman run --device gaon/accel=all")
        with open(path, encoding="utf-8") as file:
            report(f"cdi --output of {end}: what it has", load(file.read()) == spec and os.stat(path).st_mode & 0o777 == 0o644)
    done = subprocess.run([GAON, "cdi", "--output", path], env=dict(os.environ, GAON_ROOT=root), check=False,
                          preexec_fn=full_disk, capture_output=True, text=True)
    report("cdi: a full disk leaves the old file", done.returncode == 1 and "it is as it was" in done.stderr and
           sorted(os.listdir(where)) == ["gaon.json", "gaon.yaml"] and os.path.getsize(path) > 100, done)
    expect(root, "cdi --output of an end that nobody reads", 2, "cdi", "--output", path + ".txt", err="ends in .json or .yaml")
    expect(root, "cdi --output where nobody may write", 1, "cdi", "--output", "/nowhere/a.json", err="No such file")
    with open(os.path.join(root, "sys/class/accel/accel1/device/serial"), "w", encoding="utf-8") as file:
        file.write(recorded.SERIAL % 2 + "\n")
    names = [device["name"] for device in json.loads(admin_test.run(root, "cdi", "--json").stdout)["devices"]]
    report("cdi: a serial number of two cards is a name of neither", names ==
           ["accel0", recorded.SERIAL % 0, "accel1", "accel2", "all"], names)
    expect(root, "cdi: and that is told", 0, "cdi", err="accel1 and accel2 have the same serial number")
    shutil.rmtree(os.path.join(root, "sys/class/accel"))
    expect(root, "cdi without a node", 1, "cdi", err="no card has a node")


def unpacked(work, path):
    """{name: text} of an archive, the directory's name taken off."""
    where = tempfile.mkdtemp(dir=work)
    subprocess.run(["tar", "-xzf", path, "-C", where], check=True)
    top = os.path.join(where, os.listdir(where)[0])
    found = {}
    for at, _, names in os.walk(top):
        for name in names:
            file = os.path.join(at, name)
            if not os.path.islink(file):
                with open(file, encoding="utf-8", errors="replace") as text:
                    found[os.path.relpath(file, top)] = text.read()
    return found


def test_bugreport(root):
    """What is in a report, what is not, and that nothing is left of one that fails."""
    work = os.path.join(root, "work")
    temporary = os.path.join(work, "tmp")
    os.makedirs(temporary)
    host = os.uname().nodename
    other = host if len(host) < 3 or host in ("localhost", "gaon") else "HOST"
    secrets = {"USER": "mallory", "SUDO_USER": "trent", "API_KEY": "hunter2hunter2"}
    recorded.put(root, "/dev/kmsg", f"6,1,1000000,-;gaon 0000:02:00.0: hello {host} from mallory at 52:54:00:ab:cd:ef\n"
                 " SUBSYSTEM=pci\n6,2,2500000,-;usb 1-1: a keyboard\n3,3,3000000,-;pcieport 0000:03:00.0: of trent, mallory_x\n")
    recorded.put(root, "/proc/100/cmdline", "llama-server\0--api-key\0hunter2hunter2")
    recorded.put(root, "/proc/100/environ", "API_KEY=hunter2hunter2")
    recorded.link(root, "/sys/class/devcoredump/devcd1/failing_device", "../../0000:02:00.0")

    def report_to(path, *args, **more):
        return subprocess.run([GAON, "bugreport", "--output", path, *args], capture_output=True, text=True, check=False,
                              env={**os.environ, **secrets, "TMPDIR": temporary, "GAON_ROOT": root}, timeout=300, **more)

    path = os.path.join(work, "a.tar.gz")
    done = report_to(path, "--json")
    with open(os.path.join(TOP, "tools/gaon/schema/bugreport.json"), encoding="utf-8") as file:
        jsonschema.validate(json.loads(done.stdout), json.load(file))
    report("bugreport: its file", done.returncode == 0 and os.stat(path).st_mode & 0o777 == 0o600 and
           json.loads(done.stdout)["bytes"] == os.path.getsize(path), done)
    files = unpacked(work, path)
    report("bugreport: what is in it", json.loads(done.stdout)["files"] == len(files) and {
        "README", "info.json", "info.txt", "ps.json", "doctor.json", "doctor.txt", "module.json", "version.json", "kernel.log",
        "coredumps.txt"} == set(files), sorted(files))
    with open(os.path.join(TOP, "tools/gaon/schema/info.json"), encoding="utf-8") as file:
        jsonschema.validate(json.loads(files["info.json"]), json.load(file))
    report("bugreport: info as the command says it", json.loads(files["info.json"]) == document(root, "info"))
    report("bugreport: the kernel's log, redacted, of the cards only", files["kernel.log"] ==
           f"[    1.000000] gaon 0000:02:00.0: hello {other} from USER at xx:xx:xx:xx:xx:xx\n"
           "[    3.000000] pcieport 0000:03:00.0: of USER, mallory_x\n", files["kernel.log"])
    report("bugreport: dumps are named", "devcd1/data of 0000:02:00.0" in files["coredumps.txt"], files["coredumps.txt"])
    everything = "\n".join(files.values())
    report("bugreport: no secret, no name, no address", not [s for s in ("hunter2", "trent", "52:54:00", "--api-key")
                                                             if s in everything])
    report("bugreport: serial numbers are in it", recorded.SERIAL % 0 in everything)
    path = os.path.join(work, "b.tar.gz")
    done = report_to(path, "--no-serials")
    report("bugreport --no-serials", done.returncode == 0 and recorded.SERIAL % 0 not in "".join(unpacked(work, path).values()), done)
    report("bugreport: what is there already stays", report_to(path).returncode == 1)
    for name, arguments, more, err in (
            ("a full disk", [os.path.join(work, "c.tar.gz")], {"preexec_fn": full_disk}, "cannot be written: File too large"),
            ("a directory that is not there", ["/nowhere/c.tar.gz"], {}, "/nowhere/c.tar.gz cannot be made: No such file")):
        done = report_to(*arguments, **more)
        report(f"bugreport: {name}", done.returncode == 1 and err in done.stderr, done)
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen([GAON, "bugreport", "--output", os.path.join(work, "d.tar.gz")], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": temporary, "GAON_ROOT": root})
    while not os.listdir(temporary) and process.poll() is None:
        pass
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60 * admin_test.PATIENCE)
    report("bugreport: interrupted", process.returncode == 1, process.returncode)
    report("bugreport: nothing is left of what failed", not os.listdir(temporary) and
           [n for n in sorted(os.listdir(work)) if ".tar" in n] == ["a.tar.gz", "b.tar.gz"], os.listdir(work))
    # This machine, which most likely has no card.
    own = os.path.join(work, "own.tar.gz")
    environment = {key: value for key, value in os.environ.items() if key != "GAON_ROOT"}
    done = subprocess.run([GAON, "bugreport", "--output", own], capture_output=True, text=True, check=False, timeout=300, env=environment)
    files = unpacked(work, own) if done.returncode == 0 else {}
    with open("/proc/cmdline", encoding="utf-8") as file:
        words = [word for word in file.read().split() if word.startswith(("root=", "ro", "quiet", "console="))]
    report("bugreport of this machine", "tree/proc/version" in files and not [w for w in words if w in
           files["tree/proc/cmdline"].split()], done)


def main():
    with tempfile.TemporaryDirectory() as work:
        for name, test in (("reset", test_reset), ("module", test_module), ("cdi", test_cdi), ("bugreport", test_bugreport)):
            root = os.path.join(work, name)
            recorded.machine(root)
            test(root)
        test_fw(work)
    return admin_test.finish()


if __name__ == "__main__":
    sys.exit(main())
