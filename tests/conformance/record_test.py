#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gaon record and gaon replay: programs are recorded and replayed on devices of other sizes and habits; what is altered in
a file is found, at the right call; bad files, bad options, a full disk, a killed program and a closed pipe get a clear
answer. On the embedded device, or recorded on the card that GAON_DEVICE names and replayed on both."""
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import jsonschema
from recorded_run import GAON, PATIENCE, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
DIGITS = os.path.join(BUILD, "bin", "gaon-demo-digits")
CONFORMANCE = os.path.join(BUILD, "tests", "conformance")
PROGRAM = os.path.join(CONFORMANCE, "cli", "kernels.elf")
KERNELS = os.path.join(CONFORMANCE, "runtime", "kernels.elf")
RANDOM = os.path.join(CONFORMANCE, "record", "random_ops")
CARD = os.environ.get("GAON_DEVICE")
QUICK = os.environ.get("GAON_RECORD_TEST") == "quick"
HEADER = 48 + 1024
CALL = struct.Struct("<IIiIQQQQQQQQQ")


def run(*args, limit=None, **environment):
    def before():
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return subprocess.run([GAON, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=300 * PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, **environment},
                          preexec_fn=before)


def document(schema, text):
    found = json.loads(text)
    with open(f"{TOP}/tools/gaon/schema/{schema}.json", encoding="utf-8") as file:
        jsonschema.validate(found, json.load(file))
    return found


def record(path, *program, code=0, options=(), **environment):
    done = run("record", "--json", "-o", path, *options, "--", *program, **environment)
    report(f"record {os.path.basename(path)}: {code}", done.returncode == code, f"{done.returncode} {done.stderr}")
    found = document("record", done.stdout)
    report("the document tells the files", found["code"] == code and all(os.path.getsize(f["file"]) == f["bytes"]
                                                                       for f in found["files"]), found)
    return done.stderr


def replay(path, code, *options, why="", **environment):
    done = run("replay", "--json", *options, path, **environment)
    report(f"replay {os.path.basename(path)} {' '.join(options)} {environment or ''}: {code}",
           done.returncode == code and why in done.stderr, f"{done.returncode} {done.stderr} {done.stdout[-900:]}")
    return document("replay", done.stdout)["replayed"] if done.stdout else None


def everywhere(path, shapes=({"GAON_SIM_CORES": "7", "GAON_SIM_EFFECTS": "early"},
                            {"GAON_SIM_CORES": "1", "GAON_SIM_EFFECTS": "late", "GAON_SIM_THREADS": "1"})):
    """As it was, and on devices that are smaller, larger, as early and as late as they may be."""
    found = replay(path, 0, "--device", CARD or "embedded")
    if CARD:
        replay(path, 0, "--device", "embedded")
    for shape in () if QUICK else shapes:
        replay(path, 0, "--device", "embedded", **shape)
    return found


class Records:
    """A file, to be altered as whoever writes such files would."""
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.list = []
        at = HEADER
        end = struct.unpack_from("<Q", self.bytes, 16)[0]
        while at < end:
            kind, _, size = struct.unpack_from("<IIQ", self.bytes, at)
            self.list.append((kind, at, size))
            at += (size + 7) & ~7

    def calls(self, op):
        for kind, at, size in self.list:
            if kind == 1 and struct.unpack_from("<I", self.bytes, at + 16)[0] == op:
                yield at, size, CALL.unpack_from(self.bytes, at + 16)

    def data_at(self, at, call):
        """Where a call's data is, and in which record."""
        if not call[11]:
            return at + 16 + CALL.size, at
        for kind, data, _ in self.list:
            if kind == 2 and struct.unpack_from("<Q", self.bytes, data + 16)[0] == call[11]:
                return data + 24, data
        raise KeyError(call[11])

    def seal(self, at):
        size = struct.unpack_from("<Q", self.bytes, at + 8)[0]
        struct.pack_into("<I", self.bytes, at + 4, zlib.crc32(self.bytes[at + 16:at + size]))

    def save(self, path):
        with open(path, "wb") as file:
            file.write(self.bytes)


def op(name):
    """The number of an op, from the header that C has."""
    with open(f"{TOP}/tools/watch/record/format.h", encoding="utf-8") as file:
        names = re.findall(r"^\tRECORD_(\w+)(?: = \d+)?,", file.read(), re.M)
    names = names[names.index("OTHER"):]
    return names.index(name)


def test_digits(work):
    path = f"{work}/digits.record"
    output = record(path, DIGITS)
    report("the demo is undisturbed", "agrees on" in output, output)
    found = everywhere(path, ({"GAON_SIM_CORES": "7", "GAON_SIM_EFFECTS": "late"},))
    report("every launch is replayed, every read compared", found["launches"] > 16000 and found["reads_compared"] > 50,
           found)
    info = document("replay", run("replay", "--info", "--json", path).stdout)
    report("--info tells what is in it", info["ended"] and info["complete"] and info["replayed"] is None
           and info["calls"]["launch"] == found["launches"] and len(info["devices"]) == 1, info)
    plain = run("replay", "--info", path)
    report("the same as text", plain.returncode == 0 and "the program ended in order" in plain.stdout
           and str(info["calls"]["launch"]) in plain.stdout, plain)


def test_altered(work, path):
    """Data that the program read, the first argument of a kernel, a kernel's code."""
    records = Records(path)
    reads = list(records.calls(op("READ")))
    at, _, call = reads[len(reads) // 2]
    where, sealed = records.data_at(at, call)
    records.bytes[where + 3] ^= 0x10
    records.seal(sealed)
    records.save(f"{work}/read.record")
    found = replay(f"{work}/read.record", 5)
    difference = found["difference"]
    report("the altered byte is told", difference["call"] == call[4] and difference["function"] == "gaon_mem_read()"
           and int(difference["address"], 16) == call[9] + 3, (difference, call))
    expected, got = (bytes.fromhex(difference[key]) for key in ("expected", "found"))
    report("what was expected, and what was found", expected[0] ^ got[0] == 0x10 and expected[1:] == got[1:]
           and expected[0] == records.bytes[where + 3], difference)
    text = run("replay", f"{work}/read.record")
    report("the same as text", text.returncode == 5 and f"DIFFERENT at call {call[4]}" in text.stdout, text.stdout)
    replay(f"{work}/read.record", 0, "--from-call", str(call[4] + 1))
    replay(f"{work}/read.record", 0, "--to-call", str(call[4] - 1))

    records = Records(path)
    launches = list(records.calls(op("LAUNCH")))
    at, _, call = launches[len(launches) // 2]
    where, sealed = records.data_at(at, call)
    report("an argument is an address", struct.unpack_from("<Q", records.bytes, where)[0] >= 1 << 32)
    struct.pack_into("<Q", records.bytes, where, 0x123456789000)
    records.seal(sealed)
    records.save(f"{work}/argument.record")
    replay(f"{work}/argument.record", 3, why="fault")

    records = Records(path)
    at, _, call = next(records.calls(op("MODULE_LOAD")))
    where, sealed = records.data_at(at, call)
    image = records.bytes[where:where + call[12]]
    added = re.compile(rb"\x53[\x00-\xff]{3}").search(image)      # any instruction of the vector unit
    report("the device program is in the file", image.startswith(b"\x7fELF") and added, image[:8])


def test_random(work):
    seed = os.environ.get("GAON_SEED") or str(time.time_ns() % 1000000)
    for number in range(1 if QUICK else 2):
        path = f"{work}/random{number}.record"
        output = record(path, RANDOM, KERNELS, str(int(seed) + number), "60" if QUICK else "120")
        print(f"# {output.splitlines()[0] if output else ''}", flush=True)
        found = everywhere(path)
        report("pinned memory, callbacks and graphs were among it", found["buffers_compared"] >= 4
               and found["reads_compared"] > 8, found)
    if CARD:
        path = f"{work}/embedded.record"
        record(path, GAON, "run", "--kernel", "hello", PROGRAM, "u64:9", options=("--device", "embedded"))
        replay(path, 0, "--device", CARD)
    path = f"{work}/random.launch.record"
    record(path, RANDOM, KERNELS, seed, "20" if QUICK else "40", options=("--check", "launch"))
    records = Records(path)
    report("buffers after each launch", len(list(records.calls(op("BUFFERS")))) > 20, len(records.list))


def test_store(work):
    """A kernel whose code is altered is found at its launch."""
    path = f"{work}/store.record"
    record(path, GAON, "run", "--kernel", "hello", PROGRAM, "u64:7")
    replay(path, 0)
    path = f"{work}/wild.record"
    record(path, GAON, "run", "--kernel", "wild", PROGRAM, "u64:0x123456789000", code=3)
    replay(path, 0)
    records = Records(path)
    at, _, call = next(records.calls(op("STREAM_FAULT")))
    where, sealed = records.data_at(at, call)
    struct.pack_into("<I", records.bytes, where, 2)
    records.seal(sealed)
    records.save(path)
    found = replay(path, 5)
    report("another fault is a difference", "fault" in found["difference"]["text"], found)


def test_bad_files(work, path):
    with open(path, "rb") as file:
        data = file.read()
    cases = {
        "empty": (b"", "no file of gaon record"),
        "text": (b"hello\n" * 400, "no file of gaon record"),
        "version": (data[:8] + b"\x63" + data[9:], "version 99"),
        "short": (data[:len(data) // 2], "cut short"),
        "header": (data[:20], "no file of gaon record"),
        "flipped": (data[:HEADER + 60] + bytes([data[HEADER + 60] ^ 4]) + data[HEADER + 61:], "check sum"),
        "tail": (data[:16] + struct.pack("<Q", len(data) - 8) + data[24:], "past the end"),
    }
    for name, (content, why) in cases.items():
        with open(f"{work}/{name}.bad", "wb") as file:
            file.write(content)
        done = run("replay", f"{work}/{name}.bad")
        report(f"a bad file, {name}: {why}", done.returncode == 1 and why in done.stderr and not done.stdout, done)
    for args, why in (([f"{work}/none"], "No such file"), ([work], "no file of gaon record")):
        done = run("replay", *args)
        report(f"replay {args[0][-8:]}: {why}", done.returncode == 1 and why in done.stderr, done)


def test_usage(work):
    for args in (["record"], ["record", "--limit", "5", "--", "true"], ["record", "--limit", "9X", "--", "true"],
                 ["record", "--check", "now", "--", "true"], ["record", "--frobnicate"], ["replay"],
                 ["replay", "a", "b"], ["replay", "--check", "none", "a"], ["replay", "--to-call", "0", "a"],
                 ["replay", "--timeout", "0", "a"], ["replay", "--from-call", "x", "a"]):
        done = run(*args)
        report(f"usage: {' '.join(args)}", done.returncode == 2 and done.stderr and not done.stdout, done)
    for args, code, why in ((["-o", f"{work}/x", "--", "sh", "-c", "exit 7"], 7, "no call of libgaon"),
                            (["-o", f"{work}/x", "--", "true"], 1, "no call of libgaon"),
                            (["-o", f"{work}/x", "--", f"{work}/none"], 127, "No such file"),
                            (["-o", f"{work}/x", "--", work], 126, "Permission denied"),
                            (["-o", f"{work}/no/x", "--", "true"], 1, "No such file")):
        done = run("record", *args)
        report(f"record {' '.join(args)[-30:]}: {code}", done.returncode == code and why in done.stderr
               and not os.path.exists(f"{work}/x"), done)
    left = [name for name in os.listdir(work) if name.startswith("x")]
    report("nothing is left behind", not left, left)


def test_cut(work):
    """The limit; a disk that is full; a program that is killed; standard output that is closed."""
    path = f"{work}/limit.record"
    done = run("record", "-o", path, "--limit", "2M", "--", RANDOM, KERNELS, "3", "600")
    report("--limit", done.returncode == 1 and "limit" in done.stderr and "missing" in done.stderr
           and os.path.getsize(path) <= 2 << 20 and "thread 1:" in done.stdout, done)
    found = document("replay", run("replay", "--info", "--json", path).stdout)
    report("what is there is told not to be all", not found["complete"] and not found["ended"], found)
    replay(path, 0)
    path = f"{work}/full.record"
    done = run("record", "-o", path, "--", RANDOM, KERNELS, "4", "1500", limit=9 << 20)
    report("a file that cannot grow", done.returncode == 1 and "ends here: File too large" in done.stderr
           and "thread 1:" in done.stdout, done)
    replay(path, 0)
    path = f"{work}/killed.record"
    done = run("record", "-o", path, "--", "sh", "-c", f"'{RANDOM}' '{KERNELS}' 5 1000000 & sleep 1; kill -9 $!; wait $!")
    report("a program that is killed", done.returncode == 137, done)
    found = document("replay", run("replay", "--info", "--json", path).stdout)
    report("its calls until then are in the file", not found["ended"] and found["complete"] and found["last_call"] > 20,
           found)
    replay(path, 0, "--to-call", str(found["last_call"] // 2))
    done = subprocess.run(["sh", "-c", f"'{GAON}' replay --info '{path}' >/dev/full"], stderr=subprocess.PIPE, text=True,
                          check=False)
    report("standard output that is full", done.returncode == 1 and "cannot be written" in done.stderr, done)


def test_processes(work):
    path = f"{work}/two.record"
    record(path, "sh", "-c", f"'{GAON}' run --kernel hello '{PROGRAM}' u64:7; '{GAON}' list")
    report("each process has a file", os.path.exists(path) and os.path.exists(f"{path}.2"), os.listdir(work))
    replay(path, 0)


def main():
    with tempfile.TemporaryDirectory() as work:
        if QUICK:
            test_store(work)
            test_random(work)
        else:
            test_usage(work)
            test_digits(work)
            path = f"{work}/altered.record"
            record(path, RANDOM, KERNELS, "11", "40")
            test_altered(work, path)
            test_bad_files(work, path)
            test_store(work)
            test_random(work)
            test_cut(work)
            test_processes(work)
    sys.exit(finish())


main()
