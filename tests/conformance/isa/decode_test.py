#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Which encodings are instructions, and which ones: the hart's decoder against LLVM's disassembler.

All 16-bit encodings and random 32-bit ones. usage: decode_test.py DUMP-PROGRAM LLVM-MC
"""
import os
import re
import subprocess
import sys
import time

ATTRIBUTES = "+m,+a,+f,+d,+c,+zicsr,+zifencei,+zba,+zbb,+zbs,+zfh,+zfbfmin"


def known(name, theirs):
    """Where the two differ on purpose."""
    if name in ("custom0", "custom1"):      # Xgaon: LLVM does not know it
        return True
    if name in ("fence", "fence.i"):        # reserved fields are ignored, as the specification asks
        return theirs is None
    return name == "-" and theirs == "c.unimp"   # LLVM's name for an illegal instruction


def disassemble(tool, encodings):
    """Names in order, None for what is no instruction."""
    text = "".join(" ".join("0x" + e[i:i + 2] for i in range(len(e) - 2, -1, -2)) + "\n" for e in encodings)
    run = subprocess.run([tool, "--disassemble", "--triple=riscv64", "--mattr=" + ATTRIBUTES, "-M", "no-aliases"],
                         input=text, capture_output=True, text=True, check=False)
    bad = {int(m[1]) for m in re.finditer(r"<stdin>:(\d+):\d+: warning: invalid", run.stderr)}
    lines = [line.split()[0] for line in run.stdout.splitlines() if re.match(r"\t[^.]", line)]
    if len(lines) + len(bad) != len(encodings):
        sys.exit(f"{tool}: {len(encodings)} encodings, {len(lines)} instructions, {len(bad)} invalid")
    names = iter(lines)
    return [None if i in bad else next(names) for i in range(1, len(encodings) + 1)]


def main():
    seed = os.environ.get("GAON_SEED", str(time.time_ns()))
    count = "2000000" if os.environ.get("GAON_TEST_LONG") == "1" else "100000"
    print(f"decode_test: seed {seed}")
    dump = subprocess.run([sys.argv[1], seed, count], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in dump.splitlines()]
    wrong = 0
    for (bits, name), theirs in zip(rows, disassemble(sys.argv[2], [row[0] for row in rows])):
        same = (name == "-") == (theirs is None)
        if same and theirs and len(bits) == 8:
            same = re.sub(r"\.(aq|rl|aqrl)$", "", theirs) == name
        if not same and not known(name, theirs):
            wrong += 1
            if wrong <= 20:
                print(f"{bits}: the hart says {name}, LLVM {theirs}")
    print(f"{'not ok' if wrong else 'ok'} - {len(rows)} encodings, {wrong} differ")
    return wrong != 0


sys.exit(main())
