#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the driver dumps of incidents, and what `gaon coredump` says of it, against what was done.

Two cards: one that works, and one whose heartbeat stops."""
import glob
import json
import os
import struct
import subprocess
import sys
import time

from tap import check, finish

OUT = os.environ["O"]
GAON = os.path.join(OUT, "bin", "gaon")
PATIENCE = 120 * int(os.environ.get("GAON_SLOW", "1"))
FILE = "/tmp/incident.core"


def run(*args, **options):
    """A command's result, its output as text."""
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, **options)


def dump_of(card):
    """Waits for the dump of a card, reads it, removes it; None: there is none."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for place in glob.glob("/sys/class/devcoredump/devcd*"):
            if os.path.basename(os.path.realpath(os.path.join(place, "failing_device"))) != card:
                continue
            mode = os.stat(os.path.join(place, "data")).st_mode & 0o777
            with open(os.path.join(place, "data"), "rb") as file:
                data = file.read()
            with open(os.path.join(place, "data"), "w", encoding="ascii") as file:
                file.write("1")
            check(mode & 0o077 == 0, "only root can read it", f"{mode:o}")
            return data
        time.sleep(0.1)
    return None


def explain(data, what):
    """The dump as the command's JSON and as its text."""
    if not check(data is not None, f"{what}: there is a dump"):
        return None, ""
    with open(FILE, "wb") as file:
        file.write(data)
    done = run(GAON, "coredump", "--json", FILE)
    text = run(GAON, "coredump", FILE)
    for line in text.stdout.splitlines():
        print("#", line)
    if not check(done.returncode == 0 and text.returncode == 0, f"{what}: gaon coredump reads it", done.stderr + text.stderr):
        return None, ""
    return json.loads(done.stdout), text.stdout


def make(kind):
    """Makes an incident; what the program says of it."""
    done = run(os.path.join(OUT, "tests/uapi/incident/incident"), kind)
    check(done.returncode == 0, f"{kind}: made", done.stdout + done.stderr)
    said = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 2 and words[1].startswith("0x"):
            said[words[0]] = int(words[1], 16)
    return said


def bystander():
    """A process whose work runs beside, and the bytes that one of its registers has."""
    # pylint: disable-next=consider-using-with
    process = subprocess.Popen([os.path.join(OUT, "tests/uapi/incident/incident"), "bystander"], stdout=subprocess.PIPE, text=True)
    said = {}
    for line in process.stdout:
        words = line.split()
        said[words[0]] = words[-1]
        if words[0] == "register":
            break
    check("register" in said, "a bystander at work", said)
    return process, struct.pack("<Q", int(said.get("register", "0"), 16))


def incident(card, kind, fault):
    """One incident and what every dump has; the dump, its text and what was done."""
    beside, register = bystander()
    said = make(kind)
    data = dump_of(card)
    check(fault is None or beside.poll() is None, f"{kind}: a bystander works on")
    beside.kill()
    beside.wait()
    # After a reset of the engines nobody knows whose fault it was, and all are shown: see Documentation/security.rst.
    check(data is not None and (register in data) == (fault is None), f"{kind}: the bystander's registers")
    dump, text = explain(data, kind)
    if not dump:
        return None, text, said
    happened = dump["incident"]
    check(happened["device"] == card and happened["kernel"] == os.uname().release, f"{kind}: device and kernel", happened)
    check(dump["device"]["cores"] > 0 and dump["registers"]["STATE"] == "0x3", f"{kind}: identity and registers",
          dump["registers"])
    check("cycle" in dump["log"] or len(dump["log"]) > 0, f"{kind}: the firmware's log")
    check(any(queue["id"] == said["queue"] for queue in dump["queues"]), f"{kind}: the queue", dump["queues"])
    if fault:
        check(happened["pid"] == said["pid"] and happened["process"] == "incident", f"{kind}: whose it was", happened)
        check(dump["fault"]["name"] == fault and dump["fault"]["queue"] == said["queue"], f"{kind}: {fault}", dump["fault"])
        check(f"process {said['pid']}" in text, f"{kind}: the words name the process")
    return dump, text, said


def core_of(dump, kind, said):
    """The core's state, with the program counter where the code was."""
    cores = dump["cores"]
    if check(len(cores) == 1, f"{kind}: one core kept its state", f"{len(cores)}"):
        check(int(cores[0]["pc"], 16) == said["pc"] and cores[0]["tag"] == 4711, f"{kind}: pc and tag", cores[0])
        return cores[0]
    return None


def marked(dump, what, kind):
    """The packet at which a ring or list stopped."""
    for ring in dump["rings"]:
        if ring["what"] == what and ring["fault"] is not None:
            at = ring["fault"] - ring["first"]
            if 0 <= at < len(ring["packets"]):
                return ring, ring["packets"][at]
    check(False, f"{kind}: the {what} says where it stopped", dump["rings"])
    return None, {"type": "", "tag": 0}


def test_page(card):
    """A store past the end of a buffer, from a user-mode queue."""
    dump, text, said = incident(card, "page", "page fault")
    if not dump:
        return
    fault = dump["fault"]
    check(int(fault["address"], 16) == said["address"] and fault["access"] == "write", "page: address and access", fault)
    core = core_of(dump, "page", said)
    if core:
        check(int(core["x"][8], 16) == 0x12345000 and int(core["x"][9], 16) == 42 and
              int(core["x"][10], 16) == said["address"], "page: registers", core["x"])
    walk = [walk for walk in dump["walks"] if walk["why"] == "fault"]
    check(len(walk) == 1 and walk[0]["entries"] and walk[0]["entries"][-1]["is"] == "not valid" and
          int(walk[0]["address"], 16) == said["address"], "page: the walk ends at an entry that is not valid", walk)
    walk = [walk for walk in dump["walks"] if walk["why"] == "pc"]
    check(len(walk) == 1 and walk[0]["entries"][-1]["is"] == "leaf", "page: the walk of pc ends at a leaf", walk)
    check('"buffer of the test"' in text and "is 24 bytes behind its end" in text, "page: the words name the buffer beside it")
    check('"kernel of the test"' in text, "page: and the kernel")
    ring, packet = marked(dump, "ring", "page")
    check(packet["type"] == "LAUNCH" and packet["tag"] == 4711, "page: the ring marks the launch", packet)
    if ring:
        check(int(ring["address"], 16) == said["ring"] and ring["packets"][0]["tag"] == 1, "page: what stood before it", ring)


def test_illegal(card):
    """An instruction that is none, in a job."""
    dump, text, said = incident(card, "illegal", "illegal instruction")
    if not dump:
        return
    core_of(dump, "illegal", said)
    check(int(dump["fault"]["syndrome"], 16) == 0xffffffff and "0xffffffff" in text, "illegal: its bits", dump["fault"])
    _, packet = marked(dump, "ring", "illegal")
    check(packet["type"] == "CALL", "illegal: the ring marks the call", packet)
    ring, packet = marked(dump, "list", "illegal")
    check(packet["type"] == "LAUNCH" and packet["tag"] == 4711, "illegal: the list marks the launch", packet)
    if ring:
        check(int(ring["address"], 16) == said["list"], "illegal: the list's address", ring)
    # An ELF core for debuggers, too.
    with open(FILE, "rb") as file:
        data = file.read()
    check(data[:4] == b"\x7fELF" and struct.unpack_from("<HH", data, 16) == (4, 243) and b"CORE\0" in data,
          "illegal: an ELF core of RISC-V")


def test_packet(card):
    """No core has anything to do with it."""
    dump, text, _ = incident(card, "packet", "bad packet")
    if not dump:
        return
    check(not dump["cores"], "packet: no core")
    _, packet = marked(dump, "ring", "packet")
    check(packet["type"] == "none" and packet["tag"] == 4711, "packet: the ring marks it", packet)
    check("there is no packet of that type" in text, "packet: the words say why")


def test_timeout(card):
    """The driver's own patience."""
    dump, text, said = incident(card, "timeout", "watchdog")
    if not dump:
        return
    check(dump["incident"]["kind"] == "timeout" and "job_timeout_ms" in text, "timeout: kind and words", dump["incident"])
    core = core_of(dump, "timeout", said)
    if core:
        check(int(core["x"][9], 16) == 43 and core["instructions"] > 1000, "timeout: where it span", core)
    _, packet = marked(dump, "ring", "timeout")
    check(packet["type"] == "CALL", "timeout: the ring marks the call", packet)


def test_engines(card):
    """All engines, under a job."""
    dump, text, said = incident(card, "engines", None)
    if not dump:
        return
    check(dump["incident"]["kind"] == "engine reset" and "All engines were reset" in text, "engines: kind and words")
    check(any(int(core["pc"], 16) == said["pc"] for core in dump["cores"]), "engines: where the core was", dump["cores"])


def test_device(card):
    """A card whose firmware seems to hang."""
    dump, text = explain(dump_of(card), "device")
    if not dump:
        return
    check(dump["incident"]["kind"] == "firmware restart" and "heartbeat" in dump["incident"]["why"], "device: kind and cause",
          dump["incident"])
    check("HEARTBEAT" in dump["registers"] and dump["log"], "device: registers and log of before")
    check("The firmware was lost" in text, "device: the words")


def test_off(card):
    """The module's option."""
    option = "/sys/module/gaon/parameters/coredump"
    with open(option, "w", encoding="ascii") as file:
        file.write("N")
    make("packet")
    time.sleep(2)
    left = [place for place in glob.glob("/sys/class/devcoredump/devcd*/failing_device") if
            os.path.basename(os.path.realpath(place)) == card]
    check(not left, "switched off there is none", left)
    with open(option, "w", encoding="ascii") as file:
        file.write("Y")


def test_bad_file():
    """What is none is refused."""
    for data, why in ((b"", "no ELF"), (b"\x7fELF" + bytes(100), "no coredump of such a device")):
        with open(FILE, "wb") as file:
            file.write(data)
        done = run(GAON, "coredump", FILE)
        check(done.returncode == 1 and why in done.stderr, f"refused: {why}", done.stderr)


def main():
    """Cards in the order of their addresses."""
    cards = sorted(os.path.basename(path) for path in glob.glob("/sys/bus/pci/drivers/gaon/*:*"))
    check(len(cards) == 2, f"two cards: {cards}")
    for test in (test_page, test_illegal, test_packet, test_timeout, test_engines):
        test(cards[0])
    # Its first incident may be any moment: before nothing is kept at all.
    test_device(cards[1])
    test_off(cards[0])
    test_bad_file()
    return finish()


sys.exit(main())
