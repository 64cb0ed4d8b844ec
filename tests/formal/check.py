#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Proves the models of this directory with spin, and that each proof can fail: every name behind "mutations:" in a model
leaves one thing out, and spin must then find an error.

  check.py [MODEL...]     all of the directory by default; TAP
"""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DEPTH = "100000"


def search(model, mutation, directory):
    """Whether spin finds an error; RuntimeError if it cannot say."""
    define = [f"-D{mutation}"] if mutation else []
    steps = [["spin", *define, "-a", model],
             ["cc", "-O1", "-DSAFETY", "-DNOREDUCE", "-w", "-o", "pan", "pan.c"], ["./pan", f"-m{DEPTH}"]]
    for step in steps:
        try:
            done = subprocess.run(step, cwd=directory, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise RuntimeError(f"{step[0]} is not installed: make deps") from None
    found = re.search(r"errors: (\d+)", done.stdout)
    if not found or "max search depth too small" in done.stdout or "Search not completed" in done.stdout and found[1] == "0":
        raise RuntimeError(f"{' '.join(step)}: {done.stdout[-500:]}{done.stderr[-500:]}")
    states = re.search(r"(\d+) states, stored", done.stdout)
    return int(found[1]) > 0, int(states[1])


def check(model):
    """The results of one model: a list of (good, text)."""
    with open(model, encoding="utf-8") as file:
        names = re.search(r"mutations:((?:[^*]|\*(?!/))*)\*/", file.read())
    mutations = re.findall(r"[A-Z_]{4,}", names[1])
    base, results = os.path.basename(model), []
    for mutation in [None, *mutations]:
        with tempfile.TemporaryDirectory() as directory:
            try:
                error, states = search(model, mutation, directory)
                good = error == bool(mutation)
                what = "an error is found" if error else "no error"
                results.append((good, f"{base}{' with ' + mutation if mutation else ''}: {what}, {states} states"))
            except RuntimeError as error:
                results.append((False, f"{base} {mutation or ''}: {error}"))
    return results


def main():
    models = sys.argv[1:] or sorted(os.path.join(HERE, name) for name in os.listdir(HERE) if name.endswith(".pml"))
    failed = number = 0
    for model in models:
        for good, text in check(os.path.abspath(model)):
            number += 1
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
    print(f"1..{number}")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main())
