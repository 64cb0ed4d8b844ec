#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gaon command as a user meets it: every subcommand, its JSON against the schemas, its exit codes.
On the embedded device, or on the card that GAON_DEVICE names."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

import jsonschema
from recorded_run import GAON, PATIENCE, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
PROGRAM = os.path.join(BUILD, "tests", "conformance", "cli", "kernels.elf")
CARD = os.environ.get("GAON_DEVICE", "")


def run(*args, timeout=120):
    return subprocess.run([GAON, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout * PATIENCE, stdin=subprocess.DEVNULL, check=False)


def schema(name, document):
    with open(os.path.join(TOP, "tools/gaon/schema", name + ".json"), encoding="utf-8") as file:
        jsonschema.validate(json.loads(document), json.load(file))


def expect_json(name, *args, code=0):
    done = run(*args)
    try:
        schema(name, done.stdout)
        report(f"gaon {' '.join(args[:2])}: JSON fits its schema", done.returncode == code,
               f"exit {done.returncode}: {done.stderr}")
    except (ValueError, jsonschema.ValidationError) as error:
        report(f"gaon {' '.join(args[:2])}: JSON fits its schema", False, f"{error}\n{done.stderr}")
    return done


def expect(name, code, *args, out="", err=""):
    done = run(*args)
    good = done.returncode == code and re.search(out, done.stdout) and re.search(err, done.stderr)
    report(name, bool(good), f"exit {done.returncode}, stdout {done.stdout!r}, stderr {done.stderr!r}")
    return done


def test_information():
    expect("--help lists the commands", 0, "--help", out="(?s)list.*info.*run.*bench.*coredump.*version")
    expect("an unknown command is a usage error", 2, "frobnicate", err="no command named 'frobnicate'")
    expect("no command is a usage error", 2, err="usage: gaon")
    for name in ("list", "info", "run", "bench", "coredump", "version"):
        expect(f"{name} --help", 0, name, "--help", out=f"usage: gaon {name}")
        expect(f"{name} refuses an unknown option", 2, name, "--no-such-option", err="usage")
    expect("list shows the device", 0, "list", out=rf"(?m)^{CARD} .*pci" if CARD else "embedded")
    expect("info shows it", 0, "info", out="HBM")
    expect("info of a device that is not there", 1, "info", "--device", "9999:00:00.0", err="GAON_ERROR_NO_DEVICE")
    expect_json("list", "list", "--json")
    done = expect_json("info", "info", "--json")
    first = json.loads(done.stdout)["devices"][0]
    if CARD:
        report("info: the card has an address, a driver and the kernel's sensors",
               first["card"]["driver"] == "gaon" and first["card"]["state"] == "ready"
               and first["sensors"]["source"] == "hwmon" and first["sensors"]["clock_khz"] > 0, f"{first}")
    else:
        report("info: the embedded device has no card and modelled sensors", first["card"] is None
               and first["sensors"]["source"] == "device" and first["sensors"]["clock_khz"] > 0, f"{first}")
    expect_json("version", "version", "--json")


def test_bench():
    for name in ("launch", "copy", "gemm", "interp"):
        expect_json("bench", "bench", "--json", name)
    expect("bench of nothing", 2, "bench", err="usage")
    expect("bench of something unknown", 2, "bench", "luck", err="no benchmark named 'luck'")


def write_floats(path, values):
    with open(path, "wb") as file:
        file.write(struct.pack(f"<{len(values)}f", *values))


def test_run(work):
    program = PROGRAM
    count = 1000
    x, y = os.path.join(work, "x"), os.path.join(work, "y")
    write_floats(x, [float(i) for i in range(count)])
    write_floats(y, [1.0] * count)
    expect_json("run", "run", "--json", "--kernel", "saxpy", "--grid", "4", program, "inout:" + y, "in:" + x,
                "f32:2", f"u64:{count}")
    with open(y, "rb") as file:
        got = struct.unpack(f"<{count}f", file.read())
    report("run computed saxpy in the caller's file", list(got) == [1.0 + 2.0 * i for i in range(count)], str(got[:8]))
    expect("run prints what the kernel printed", 0, "run", "--kernel", "hello", program, "u64:7", out="hello 7")
    expect("run refuses arguments of the wrong size", 1, "run", "--kernel", "saxpy", program, "u32:1",
           err="GAON_ERROR_ARGUMENTS_SIZE")
    expect("run refuses a kernel that is not there", 1, "run", "--kernel", "none", program, err="GAON_ERROR_NOT_FOUND")
    expect("run refuses a file that is not there", 1, "run", os.path.join(work, "nothing"), err="GAON_ERROR_NOT_FOUND")
    expect("run refuses a host program", 1, "run", sys.executable, err="GAON_ERROR_WRONG_MACHINE|GAON_ERROR_INVALID_MODULE")
    expect("run refuses a value that does not fit", 2, "run", "--kernel", "hello", program, "u8:256", err="does not fit")
    expect("run refuses an unknown type", 2, "run", "--kernel", "hello", program, "q7:1", err="is no type")
    expect("a wild store is a fault with its address", 3, "run", "--kernel", "wild", program, "u64:0x123456789000",
           err="(?i)page fault.*123456789000|wild")
    done = expect_json("run", "run", "--json", "--kernel", "wild", program, "u64:0x123456789000", code=3)
    report("and JSON has the address", '"va": "0x123456789000"' in done.stdout, done.stdout)
    expect("a kernel without end is a timeout", 4, "run", "--timeout", "300", "--kernel", "forever", program,
           "u64:0", err="GAON_ERROR_TIMEOUT")


def test_coredump(work):
    file = os.path.join(work, "core")
    subprocess.run([os.path.join(BUILD, "tests/unit/coredump"), file], check=True)
    expect("coredump explains a dump", 0, "coredump", file, out="(?s)What happened\n.*0x300001018.*24 bytes behind its end")
    expect_json("coredump", "coredump", "--json", file)
    with open(file, "rb") as good, open(file + ".cut", "wb") as cut:
        cut.write(good.read()[:500])
    expect("coredump refuses a truncated file", 1, "coredump", file + ".cut", err="truncated")
    expect("coredump refuses a program", 1, "coredump", PROGRAM, err="no coredump of such a device")
    expect("coredump refuses a file that is not there", 1, "coredump", file + ".none", err="No such file")
    expect("coredump needs a file", 2, "coredump", err="usage")
    expect("coredump says when the program is not the one", 1, "coredump", "--elf", file + ".none", file,
           out="What happened", err="cannot be looked up")


def main():
    test_information()
    test_bench()
    with tempfile.TemporaryDirectory() as work:
        test_run(work)
        test_coredump(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
