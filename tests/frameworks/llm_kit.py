# SPDX-License-Identifier: MIT
"""Programs of llama.cpp with the plug-in in them, and the door that probe.c opens into such a program."""
import os
import socket
import subprocess
import sys
import time

TOP = os.environ["GAON_SOURCE_DIR"]
BUILD = os.environ["GAON_BUILD_DIR"]
LLAMA = ["sh", os.path.join(TOP, "tools/setup/llama.sh")]
PROBE_LIB = os.path.join(BUILD, "tests/frameworks/probe")


class Results:
    """Counts and prints results, one line each."""

    def __init__(self):
        self.count = self.failed = 0

    def report(self, name, good, detail=""):
        """One line of TAP; returns whether it is @good."""
        self.count += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}{'' if good else ': ' + str(detail)}", flush=True)
        return good

    def skip(self, name, why):
        """A result that cannot be had here."""
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def end(self):
        """Ends the program."""
        print(f"1..{self.count}")
        sys.exit(self.failed != 0 or not self.count)


def model():
    """The path of the language model, which the first call of all fetches."""
    return subprocess.run(["sh", os.path.join(TOP, "tools/setup/model.sh")], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def environment(**more):
    """For programs with the plug-in on the embedded device, by the library that has the door."""
    return dict(os.environ, GGML_BACKEND_PATH=os.path.join(BUILD, "libggml-gaon.so"), GAON_DEVICE="embedded",
                LD_LIBRARY_PATH=PROBE_LIB, OMP_WAIT_POLICY="passive", **more)


def ask(path, word, timeout=60):
    """What the door at @path answers; waits until it is there."""
    until = time.monotonic() + timeout
    while True:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(timeout)
            try:
                door.connect(path)
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
                continue
            door.sendall(word.encode())
            return door.makefile().readline().strip()
