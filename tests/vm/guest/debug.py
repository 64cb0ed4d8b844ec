#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""debug.py [all]: gaon debug of kernels on the card, by gdb's protocol: guests have no gdb. kernels.lines says where
the lines of kernels.elf are, as llvm-dwarfdump prints it. Guests are slow: what needs no driver is for `all`."""
import os
import re
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["GAON_SOURCE_DIR"], "tests", "conformance"))
# pylint: disable=wrong-import-position
from debug_client import EXPECTED, GAON, KERNELS, PATIENCE, Client, Session, line, sums_arguments, words

PC = 32
number = 0
bad = 0


def report(name, good, detail=""):
    """One line of TAP."""
    global number, bad  # pylint: disable=global-statement
    number += 1
    bad += not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}{'' if good else f': {detail}'}", flush=True)


class Target(Client):
    """A session on the card, and its stopped workgroups."""

    def __init__(self, session):
        super().__init__(session.path)
        self.ask(b"qSupported:swbreak+;qXfer:libraries:read+")
        self.stopped = self.ask(b"?")
        xml = self.document(b"features:read:target.xml")
        self.vector = int(re.search(rb'name="v0"[^>]*regnum="(\d+)"', xml).group(1))
        segment = int(re.search(rb'segment address="0x([0-9a-f]+)"', self.document(b"libraries:read:")).group(1), 16)
        with open(KERNELS, "rb") as file:
            elf = file.read()
        at, count = struct.unpack_from("<Q", elf, 32)[0], struct.unpack_from("<H", elf, 56)[0]
        loads = [struct.unpack_from("<IIQQ", elf, at + 56 * i) for i in range(count)]
        self.bias = segment - next(load[3] for load in loads if load[0] == 1)

    def document(self, what):
        text = b""
        while True:
            part = self.ask(b"qXfer:%s:%x,1000" % (what, len(text)))
            text += part[1:]
            if part[:1] == b"l":
                return text

    def register(self, number):
        return bytes.fromhex(self.ask(b"p%x" % number).decode())

    def number(self, number):
        return int.from_bytes(self.register(number), "little")

    def set_register(self, number, value):
        return self.ask(b"P%x=%s" % (number, value.hex().encode())) == b"OK"

    def memory(self, address, size):
        return bytes.fromhex(self.ask(b"m%x,%x" % (address, size)).decode())

    def breakpoint(self, address, there=True):
        """Of the instruction's length, as gdb does."""
        size = 4 if self.memory(address, 1)[0] & 3 == 3 else 2
        return self.ask(b"%s0,%x,%x" % (b"Z" if there else b"z", address, size)) == b"OK"

    def run(self, how=b"c"):
        """Until it stops: the packet. Stops for libraries are passed over."""
        while True:
            self.stopped = self.ask(b"vCont;" + how)
            while self.stopped[:1] == b"O":
                self.stopped = self.packet()
            if b"library:" not in self.stopped:
                return self.stopped
            how = b"c"

    def thread(self):
        return re.search(rb"thread:([0-9a-f]+)", self.stopped).group(1)


def table(path):
    """Addresses by line, those of kernels.c that begin a statement, and the line of each address."""
    lines, rows = {}, []
    with open(path, encoding="utf-8") as file:
        for row in re.findall(r"^0x([0-9a-f]+) +(\d+) +\d+ +0 +.*is_stmt", file.read(), re.M):
            rows.append((int(row[0], 16), int(row[1])))
            lines.setdefault(int(row[1]), []).append(int(row[0], 16))
    return lines, sorted(rows)


def line_of(rows, address):
    return max((row for row in rows if row[0] <= address), default=(0, 0))[1]


def test_vectors(work, lines, rows):
    """A breakpoint, a step, a vector register read and changed, and on to the end."""
    session = Session(work, [], ["--kernel", "vectors", KERNELS, f"out:{work}/v:512", "zero:8", "u64:1"])
    target = Target(session)
    report("it stops where the kernel begins", target.stopped.startswith(b"T05"), target.stopped)
    at = lines[line("vector")][0] + target.bias
    code = target.memory(at, 4)
    report("a breakpoint is set at a line", target.breakpoint(at))
    report("and is not seen in memory", target.memory(at, 4) == code)
    target.run()
    report("and hit", target.number(PC) == at and line_of(rows, target.number(PC) - target.bias) == line("vector"),
           target.stopped)
    v5 = struct.unpack("<64Q", target.register(target.vector + 5))
    report("a vector register is read", v5 == tuple(range(64)), v5)
    report("and written", target.set_register(target.vector + 5, struct.pack("<64Q", 0, 1, 2, 99, *range(4, 64))))
    report("the breakpoint is taken away", target.breakpoint(at, False))
    target.run(b"s:" + target.thread())
    report("a step is a step", target.number(PC) - at in (2, 4) and target.stopped.startswith(b"T05"),
           (hex(at), target.stopped))
    report("it goes on to its end", target.run().startswith(b"W00"), target.stopped)
    code, _, err = session.end()
    report("with the right result, changed where it was", code == 0 and
           words(f"{work}/v", 64) == (0, 1, 2, 99, *range(4, 64)), (code, err))


def test_sums(work, lines, _):
    """Workgroups on several cores: all stop with the first, and come to the right end."""
    session = Session(work, ["--break", "sums"], sums_arguments(work))
    target = Target(session)
    at = lines[line("stores")][0] + target.bias
    report("a second breakpoint", target.breakpoint(at))
    target.run()
    report("is hit by a workgroup", target.number(PC) == at, target.stopped)
    report("no more of them", target.breakpoint(at, False))
    target.run(b"s:" + target.thread())
    report("which steps alone", target.number(PC) - at in (2, 4) and target.stopped.startswith(b"T05"), target.stopped)
    report("all go on to their end", target.run().startswith(b"W00"), target.stopped)
    code, _, err = session.end()
    report("with the right sums", code == 0 and words(f"{work}/out", 4) == EXPECTED, (code, err))


def test_fault(work, lines, rows):
    """A kernel that faults opens at its line; passed on the fault is the program's."""
    session = Session(work, ["--on-fault"], ["--kernel", "wild", KERNELS, "u64:0x123456000"])
    target = Target(session)
    at = target.number(PC) - target.bias
    report("a fault stops as SIGSEGV", target.stopped.startswith(b"T0b"), target.stopped)
    report("at its source line", line_of(rows, at) == line("faults") and at in
           range(lines[line("faults")][0], lines[line("faults")][0] + 64), (hex(at), line_of(rows, at)))
    report("passed on it is the program's", target.run(b"C0b").startswith(b"W03"), target.stopped)
    code, _, err = session.end()
    report("which is told of it", code == 3 and "page fault" in err, (code, err))


def test_killed(work):
    """The program is killed while its kernel stands; the card is as it was."""
    session = Session(work, [], ["--kernel", "forever", KERNELS, "u64:1"])
    target = Target(session)
    target.ask(b"k")
    code, _, err = session.end()
    report("killed while its kernel stands", code == 137, (code, err))
    done = subprocess.run([GAON, "run", *sums_arguments(work)], check=False, capture_output=True, text=True, timeout=60 * PATIENCE)
    report("the card works", done.returncode == 0 and words(f"{work}/out", 4) == EXPECTED, done)


def test_kernel_queues(work):
    """Queues that the kernel owns are not debugged, and that is told."""
    done = subprocess.run([GAON, "debug", "--", GAON, "run", *sums_arguments(work)], check=False, capture_output=True,
                          text=True, timeout=60 * PATIENCE, env={**os.environ, "GAON_QUEUE": "kernel"})
    report("kernel-owned queues run without a debugger", done.returncode == 0 and "GAON_QUEUE" in done.stderr and
           words(f"{work}/out", 4) == EXPECTED, done)


def main():
    lines, rows = table(KERNELS.replace(".elf", ".lines"))
    with tempfile.TemporaryDirectory() as work:
        test_vectors(work, lines, rows)
        test_fault(work, lines, rows)
        test_killed(work)
        if "all" in sys.argv[1:]:
            test_sums(work, lines, rows)
            test_kernel_queues(work)
    print(f"1..{number}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
