#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bare-metal programs under `gaon-sim --mcu`, and the firmware image built twice."""
import os
import subprocess
import sys
import tempfile
import time

TOP = os.environ["GAON_SOURCE_DIR"]
BUILD = os.environ["GAON_BUILD_DIR"]
SIM = os.path.join(BUILD, "bin/gaon-sim")
BARE = os.path.join(TOP, "tests/unit/mcu_bare")
CC = ["clang-22", "--target=riscv32-unknown-elf", "-march=rv32imac_zicsr_zifencei", "-mabi=ilp32", "-O2",
      "-ffreestanding", "-nostdlib", "-fuse-ld=lld", "-T", os.path.join(BARE, "bare.lds")]
FAILED = 0
COUNT = 0


def check(name, condition, detail=""):
    global FAILED, COUNT
    COUNT += 1
    FAILED += not condition
    print(f"{'ok' if condition else 'not ok'} {COUNT} - {name}" + (f"\n# {detail}" if detail else ""))


def build(directory, source, *extra):
    elf = os.path.join(directory, source + ".elf")
    subprocess.run([*CC, *extra, "-o", elf, os.path.join(BARE, source)], check=True)
    return elf


def run(elf, *options):
    return subprocess.run([SIM, "--mcu", *options, "--elf", elf], capture_output=True, text=True, timeout=120,
                          check=False)


def bare_programs(directory):
    got = run(build(directory, "machine.S"))
    check("machine mode as test programs expect it", got.returncode == 0, f"exit {got.returncode} {got.stderr}")
    hello = build(directory, "hello.c")
    got = run(hello)
    check("write, putchar and exit reach the host",
          got.returncode == 42 and got.stdout == "hello from the management core\nbye\n", repr(got))
    got = run(hello, "--max-instructions", "10")
    check("an instruction limit ends the run", got.returncode == 124, got.stderr)
    got = run(hello, "--trace")
    check("a trace has a line per instruction", got.returncode == 42 and got.stderr.count("\n") > 50)
    spin = build(directory, "spin.S")
    start = time.monotonic()
    got = run(spin)
    seconds = time.monotonic() - start
    check("a long loop ends", got.returncode == 0, f"{100 / seconds:.0f} million instructions per second")


def hostile_files(directory):
    hello = build(directory, "hello.c")
    with open(hello, "rb") as file:
        good = file.read()
    bad = os.path.join(directory, "bad.elf")
    for name, data in (("empty", b""), ("cut", good[:80]), ("text", b"#!/bin/sh\n" * 20)):
        with open(bad, "wb") as file:
            file.write(data)
        got = run(bad)
        check(f"a file that is {name} is refused", got.returncode == 125 and got.stderr, got.stderr.strip())
    wild = bytearray(good)
    wild[0x18:0x1c] = b"\x00\x00\x00\x40"
    with open(bad, "wb") as file:
        file.write(wild)
    got = run(bad)
    check("an entry outside memory is reported", got.returncode == 126, got.stderr.strip())


def reproducible(directory):
    """Another source path, another output directory, another time: the same bytes."""
    copy = os.path.join(directory, "elsewhere/deeper")
    os.makedirs(copy)
    for part in ("firmware", "include"):
        subprocess.run(["cp", "-r", os.path.join(TOP, part), copy], check=True)
    with open(os.path.join(copy, "Makefile"), "w", encoding="utf-8") as file:
        file.write("O := out\nLLVM := 22\nCC := clang-22\nDEVICE_CC := clang-22\nWARN := -Wall\nall:\n"
                   "CPPFLAGS := -Iinclude\nCFLAGS := -std=gnu11\ninclude firmware/build.mk\n"
                   "$(O)/%.o: %.c\n\t@mkdir -p $(@D)\n\t$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<\n")
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    got = subprocess.run(["make", "-s", "-C", copy, "out/firmware/ga1.bin"], capture_output=True, text=True,
                         env=env, check=False)
    check("the firmware builds elsewhere", got.returncode == 0, got.stderr[-500:])
    if got.returncode:
        return
    with open(os.path.join(copy, "out/firmware/ga1.bin"), "rb") as file:
        second = file.read()
    with open(os.path.join(BUILD, "firmware/ga1.bin"), "rb") as file:
        first = file.read()
    check("two builds give the same bytes", first == second, f"{len(first)} and {len(second)} bytes")


def main():
    with tempfile.TemporaryDirectory() as directory:
        bare_programs(directory)
        hostile_files(directory)
        reproducible(directory)
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
