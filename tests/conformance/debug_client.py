# SPDX-License-Identifier: MIT
"""A program under `gaon debug`, and gdb's protocol from below, for debug_test.py and the guests' debug.py, for which
importing much takes long."""
import os
import re
import socket
import struct
import subprocess
import time

TOP = os.environ["GAON_SOURCE_DIR"]
BUILD = os.environ["GAON_BUILD_DIR"]
GAON = os.path.join(BUILD, "bin", "gaon")
PATIENCE = float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
KERNELS = os.path.join(BUILD, "tests", "conformance", "debug", "kernels.elf")
SOURCE = os.path.join(TOP, "tests", "conformance", "debug", "kernels.c")


def line(comment):
    with open(SOURCE, encoding="utf-8") as file:
        return next(i for i, text in enumerate(file, 1) if f"/* {comment} */" in text)


class Session:
    """A program under gaon debug, stopped or at its end."""

    def __init__(self, work, options, run):
        self.path = os.path.join(work, "gdb")
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.process = subprocess.Popen([GAON, "debug", "--listen", f"unix:{self.path}", *options, "--", GAON, "run", *run],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first = self.process.stderr.readline()

    def gdb(self, *commands):
        args = ["gdb-multiarch", "-batch", "-nx", "-ex", "set confirm off", "-ex", f"target remote {self.path}"]
        for command in commands:
            args += ["-ex", command]
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=60 * PATIENCE)
        return done.stdout

    def end(self):
        out, err = self.process.communicate(timeout=60 * PATIENCE)
        return self.process.returncode, out, self.first + err


def words(path, count):
    with open(path, "rb") as file:
        return struct.unpack(f"<{count}Q", file.read(8 * count))


def sums_arguments(work):
    with open(f"{work}/in", "wb") as file:
        file.write(struct.pack("<16Q", *range(1, 17)))
    return ["--kernel", "sums", "--grid", "4", KERNELS, f"out:{work}/out:32", f"in:{work}/in", "u64:16"]


EXPECTED = tuple(sum(3 * value + 1 for value in range(4 * i + 1, 4 * i + 5)) for i in range(4))


class Client:
    """The protocol from below."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20 * PATIENCE)
        deadline = time.monotonic() + 20 * PATIENCE
        while True:
            try:
                self.socket.connect(path)
                break
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        self.data = b""

    def send(self, body):
        self.socket.sendall(b"$" + body + b"#%02x" % (sum(body) & 255))

    def packet(self):
        while True:
            found = re.search(rb"\$([^#]*)#[0-9a-f]{2}", self.data)
            if found:
                self.data = self.data[found.end():]
                return found.group(1)
            more = self.socket.recv(65536)
            if not more:
                return None
            self.data += more

    def ask(self, body):
        self.send(body)
        return self.packet()
