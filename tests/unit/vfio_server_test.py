#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The process gaon-sim --vfio-user: options, sockets, clients that come and go, signals, the sandbox."""
import array
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

SERVER, FIRMWARE, SANITIZED = sys.argv[1], sys.argv[2], bool(sys.argv[3])
PATIENCE = 60
HOST = 1 << 52          # GAON_PA_HOST
VERSION = b"\0\0\0\0{}\0"
checks = [0, 0]


def check(good, what, detail=""):
    checks[0] += 1
    checks[1] += not good
    print(f"{'ok' if good else 'not ok'} {checks[0]} - {what}")
    if not good:
        print(f"# {detail}")


class Server:
    def __init__(self, *options):
        self.process = subprocess.Popen([SERVER, "--hbm", "64M", *options], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.devices = options.count("--vfio-user")
        for _ in range(self.devices):
            line = self.process.stdout.readline()
            if not line.startswith("gaon-sim: listening on "):
                self.process.wait(PATIENCE)
                raise RuntimeError(f"no server: {line}{self.process.stderr.read()}")

    def end(self, number=signal.SIGTERM):
        if number:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        return status, self.process.stderr.read()

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def status(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return next(line.split()[1] for line in file if line.startswith(name + ":"))


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(path)

    def call(self, command, body, fds=()):
        message = struct.pack("<HHIII", 1, command, 16 + len(body), 0, 0) + body
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self.socket.sendmsg([message], control)
        except BrokenPipeError:  # the server has already hung up
            return None
        header = self.receive(16)
        if not header:
            return None
        _, _, size, flags, error = struct.unpack("<HHIII", header)
        answer = self.receive(size - 16)
        return -error if flags & 0x20 else answer

    def receive(self, count):
        data = b""
        while len(data) < count:
            try:
                part = self.socket.recv(count - len(data))
            except ConnectionResetError:
                return b""
            if not part:
                return b""
            data += part
        return data

    def identity(self):
        """The identity register of a device that nobody has enabled: ones."""
        if not isinstance(self.call(1, VERSION), bytes):
            return None
        answer = self.call(9, struct.pack("<QII", 0, 7, 4))
        return struct.unpack("<I", answer[16:])[0] if isinstance(answer, bytes) else answer

    def write(self, region, offset, data):
        return self.call(10, struct.pack("<QII", offset, region, len(data)) + data)

    def read32(self, region, offset):
        return struct.unpack("<I", self.call(9, struct.pack("<QII", offset, region, 4))[16:])[0]

    def boot(self):
        """The firmware, out of shared memory: the state that it ends in."""
        iova = 0x10000000
        with open(FIRMWARE, "rb") as file:
            image = file.read()
        memory = os.memfd_create("guest")
        os.ftruncate(memory, 4 << 20)
        os.pwrite(memory, image, 0)
        self.call(2, struct.pack("<IIQQQ", 32, 3, 0, iova, 4 << 20), [memory])
        os.close(memory)
        self.write(7, 4, struct.pack("<H", 6))
        self.write(0, 0x10, struct.pack("<Q", HOST | iova))
        self.write(0, 0x18, struct.pack("<I", len(image)))
        self.write(0, 0x1c, struct.pack("<I", 0x424f4f54))
        end = time.monotonic() + PATIENCE
        while self.read32(0, 8) < 3 and time.monotonic() < end:
            time.sleep(0.01)
        return self.read32(0, 8)


def refused(options, message):
    done = subprocess.run([SERVER, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=False)
    check(done.returncode == 125 and message in done.stderr, f"refused: {' '.join(options)}",
          f"{done.returncode} {done.stderr}")


def test_options(directory):
    path = os.path.join(directory, "never")
    for options, message in (
            (["--hbm", "3"], "multiple of 2M"), (["--hbm", "4X"], "not a size"), (["--hbm", "-1"], "not a size"),
            (["--hbm", "99999999T"], "not a size"), (["--hbm", "64M", "--aperture", "65M"], "at most HBM's 64M"),
            (["--cores", "0"], "from 1 to 64"), (["--cores", "65"], "from 1 to 64"), (["--vlen", "100"], "from 128"),
            (["--vlen", "384"], "power of two"), (["--slots", "x"], "from 1 to 64"),
            (["--msix-vectors", "9"], "from 1 to 8"), (["--effects", "never"], "none of normal, early, late"),
            (["--serial", "0"], "from 1 to 999000"), (["--serial", "1000000"], "from 1 to 999000"),
            (["--key", "/nonexistent"], "No such file"), (["--key", "/dev/null"], "32 bytes"),
            (["--lie", "rumour"], "see --help for the kinds"), (["--lie", "reply+"], "see --help for the kinds"),
            (["--lie", "reply,x"], "see --help for the kinds"), (["--lie", "all,1,0"], "from 1 to 1000000"),
            (["--torus", "2x"], "4x4x2"), (["--torus", "0x1"], "4x4x2"), (["--torus", "1x1x1x1x1"], "4x4x2"),
            (["--torus", "65"], "4x4x2"), (["--torus", "9x9"], "4x4x2"), (["--torus", "2"], "has 2 devices"),
            (["--torus", "1", "--cut", "0:6"], "ports 0 to 5"), (["--torus", "1", "--cut", "1:0"], "devices 0 to 0"),
            (["--cut", "0:0"], "0:0: the torus has"), (["--cut", "0"], "is not DEVICE:PORT"),
            (["--cut", "0:8"], "is not DEVICE:PORT"), (["--cut", "x:1"], "is not DEVICE:PORT"),
            (["--elf", "x"], "--help"), (["stray"], "nothing is expected")):
        refused(["--vfio-user", path, *options], message)
    refused(["--vfio-user", "/nonexistent/socket"], "No such file")
    refused(["--vfio-user", path + "x" * 108], "107 characters")
    refused(["--vfio-user", __file__], "no socket")
    check(not os.path.exists(path), "a refused server leaves no socket")
    done = subprocess.run([SERVER, "--vfio-user", path, "--help"], stdout=subprocess.PIPE, text=True,
                          timeout=PATIENCE, check=False)
    check(done.returncode == 0 and "--aperture" in done.stdout, "--help")


def test_lie(directory):
    """A server whose device lies: in half of all reads of a register, and as its seed says."""
    states = []
    for run in range(2):
        path = os.path.join(directory, f"liar{run}")
        server = Server("--vfio-user", path, "--lie", "register+log,7,2")
        client = Client(path)
        check(client.identity() == 0x6a101234, "a device that lies is served")
        client.write(7, 4, struct.pack("<H", 6))
        states.append([client.read32(0, 8) for _ in range(64)])
        check("--lie: seed 7" in server.end()[1], "it says its seed")
    lies = sum(state != 0 for state in states[0])
    check(8 < lies < 56, "STATE is not RESET now and then", f"{lies} of 64")
    check(states[0] == states[1], "a seed repeats it")


def test_clients(directory):
    path = os.path.join(directory, "one")
    server = Server("--vfio-user", path)
    mode = os.stat(path).st_mode
    check(stat.S_ISSOCK(mode) and mode & 0o777 == 0o600, "the socket is its owner's alone", oct(mode))
    check(server.status("NoNewPrivs") == "1", "no new privileges")
    check(server.status("Seccomp") == ("0" if SANITIZED else "2"), "system calls are filtered")
    first = Client(path)
    check(first.identity() == 0x6a101234, "a client is served", first)
    check(Client(path).call(1, VERSION) is None, "a second one is turned away at once")
    refused(["--vfio-user", path], "another server listens here")
    check(first.call(13, b"") == b"", "the first is served all the same")
    first.socket.close()
    for _ in range(20):
        client = Client(path)
        good = client.identity() == 0x6a101234
        client.socket.close()
        if not good:
            break
    check(good, "20 clients, each right after the one before")
    broken = Client(path)
    broken.socket.send(b"nonsense" * 100)
    check(broken.receive(1) == b"", "one that talks nonsense is hung up on")
    idle = Client(path)
    check(idle.identity() == 0x6a101234, "and the next is served")
    before = server.cpu()
    time.sleep(2)
    used = server.cpu() - before
    check(used <= 0.05, "an idle server uses no processor", f"{used} s of 2")
    status, errors = server.end()
    check(status == 0, "SIGTERM ends it, with a client connected", f"{status} {errors}")
    check("turned away" in errors and "does not keep to the protocol" in errors, "it said what was wrong", errors)
    check(idle.receive(1) == b"" and not os.path.exists(path), "client hung up on, socket removed")


def test_state(directory):
    paths = [os.path.join(directory, f"state{i}") for i in range(2)]
    nv = os.path.join(directory, "nv")
    server = Server(*[o for p in paths for o in ("--vfio-user", p)], "--nv", nv)
    clients = [Client(p) for p in paths]
    check([c.identity() for c in clients] == [0x6a101234] * 2, "two devices with non-volatile state")
    check([c.boot() for c in clients] == [3, 3], "firmware boots on both, in the sandbox")
    sizes = [os.path.getsize(nv + suffix) for suffix in ("", ".1")]
    check(min(sizes) >= 4, "each has a file of its own", sizes)
    status, errors = server.end()
    check(status == 0 and "cannot" not in errors, "and could write it", errors)


def test_stale(directory):
    path = os.path.join(directory, "stale")
    server = Server("--vfio-user", path)
    server.end(signal.SIGKILL)
    check(os.path.exists(path), "a killed server leaves its socket")
    server = Server("--vfio-user", path)
    check(Client(path).identity() == 0x6a101234, "the next one replaces it")
    check(server.end(signal.SIGINT)[0] == 0, "SIGINT ends it")


def test_several(directory):
    paths = [os.path.join(directory, f"several{i}") for i in range(3)]
    server = Server(*[o for p in paths for o in ("--vfio-user", p)], "--once", "--cores", "1", "--serial", "41", "--verbose")
    clients = [Client(p) for p in paths]
    check([c.identity() for c in clients] == [0x6a101234] * 3, "three devices at once")
    serials = [b"".join(struct.pack("<I", c.read32(7, 0x154 + at)) for at in (0, 4)) for c in clients]
    check(serials == [b"L-%06d" % (41 + n) for n in range(3)], "of three serial numbers", serials)
    for client in clients[:2]:
        client.socket.close()
    check(clients[2].call(13, b"") == b"", "one goes on when two are gone")
    clients[2].socket.close()
    status, errors = server.end(None)
    check(status == 0, "--once: ends after the last client", f"{status} {errors}")
    check(all(f"{p}: client gone" in errors for p in paths), "--verbose tells of clients", errors)


def main():
    with tempfile.TemporaryDirectory(prefix="gaon-vfio-") as directory:
        test_options(directory)
        test_clients(directory)
        test_lie(directory)
        test_state(directory)
        test_stale(directory)
        test_several(directory)
    print(f"1..{checks[0]}")
    return 1 if checks[1] else 0


sys.exit(main())
