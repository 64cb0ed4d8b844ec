#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon exporter` on recorded trees: what it says, read by Prometheus' own parsers; and clients that mean no good."""
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text

import admin_test
import recorded
from admin_test import GAON, PATIENCE, TOP, document, expect, full_disk, report

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# Of the exporter, not of the cards: they differ between two readings.
OWN = ("gaon_exporter_collect_seconds", "process_cpu_seconds_total")


class Exporter:
    """A running exporter on a port of its own."""

    def __init__(self, root, *args):
        environment = dict(os.environ, GAON_ROOT=root)
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen([GAON, "exporter", "--listen", "127.0.0.1:0", "--json", *args],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        text = ""
        while not text.endswith("}\n"):
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError(self.process.stderr.read())
            text += line
        self.announced = json.loads(text)
        self.url = self.announced["url"]
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def get(self, path="/metrics", method="GET", timeout=20.0, **headers):
        """Status, headers and text of one request."""
        request = urllib.request.Request(self.url.replace("/metrics", path), method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=timeout * PATIENCE) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def connect(self):
        """A connection as it is."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20 * PATIENCE)

    def stop(self):
        """Exit status after SIGTERM, and what was said on standard error."""
        self.process.send_signal(signal.SIGTERM)
        _, err = self.process.communicate(timeout=20 * PATIENCE)
        return self.process.returncode, err


def samples(families):
    """{(name, labels): value}; None if a sample stands twice."""
    found = {}
    for family in families:
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            if key in found:
                return None
            found[key] = sample.value
    return found


def value(found, name, **labels):
    """The one sample of that name with these labels, among others."""
    hits = [v for (n, pairs), v in found.items() if n == name and set(labels.items()) <= set(pairs)]
    return hits[0] if len(hits) == 1 else hits


def test_values(exporter):
    status, headers, text = exporter.get(Accept=OPEN)
    report("OpenMetrics is what who asks for it gets", status == 200 and headers["Content-Type"] == OPEN, headers)
    families = list(parse_open(text))
    found = samples(families)
    report("no sample stands twice", found is not None)
    types = {family.name: (family.type, family.unit) for family in families}
    for name, want in {"gaon_device": ("info", ""), "gaon_device_state": ("stateset", ""),
                       "gaon_memory_used_bytes": ("gauge", "bytes"), "gaon_temperature_celsius": ("gauge", "celsius"),
                       "gaon_energy_joules": ("counter", "joules"), "gaon_memory_errors": ("counter", ""),
                       "gaon_process_engine_seconds": ("counter", "seconds")}.items():
        report(f"{name} is a {want[0]} in {want[1] or 'no unit'}", types.get(name) == want, types.get(name))
    bad = [name for name, (_, unit) in types.items() if unit and not name.endswith("_" + unit)]
    report("units end the names", not bad and all(family.documentation for family in families), bad)
    card = {"device": "accel0", "pci_bus_id": "0000:02:00.0"}
    for name, labels, want in (
            ("gaon_devices", {}, 3), ("gaon_memory_size_bytes", card, 32 << 30),
            ("gaon_memory_used_bytes", card, 3 << 29), ("gaon_temperature_celsius", card, 41.5),
            ("gaon_power_watts", card, 75.25), ("gaon_power_cap_watts", card, 150), ("gaon_clock_hertz", card, 1.1e9),
            ("gaon_energy_joules_total", card, 123.456789), ("gaon_resets_total", card, 3),
            ("gaon_device_awake", card, 1), ("gaon_pcie_link_transfers_per_second", card, 8e9),
            ("gaon_pcie_link_max_width_lanes", card, 16), ("gaon_memory_retired_pages", card, 1),
            ("gaon_memory_errors_total", {**card, "severity": "corrected"}, 7),
            ("gaon_memory_errors_total", {**card, "severity": "uncorrected"}, 1),
            ("gaon_port_up", {**card, "port": "x+"}, 1), ("gaon_port_up", {**card, "port": "x-"}, 0),
            ("gaon_port_bytes_per_second", {**card, "port": "x+"}, 45e9), ("gaon_port_up", {"device": "accel1"}, []),
            ("gaon_port_bad_frames_total", {**card, "port": "x+"}, 4), ("gaon_port_ups_total", {**card, "port": "x-"}, 0),
            ("gaon_device_info", {**card, "serial": recorded.SERIAL % 0, "driver": "gaon", "driver_version": "1.3",
                                  "firmware_version": "1.2.3", "firmware_abi": "1", "numa_node": "0"}, 1),
            ("gaon_device_state", {**card, "gaon_device_state": "ready"}, 1),
            ("gaon_device_state", {**card, "gaon_device_state": "wedged"}, 0),
            ("gaon_process_memory_bytes", {**card, "pid": "100", "command": "llama-server", "memory": "hbm"}, 2 << 20),
            ("gaon_process_engine_seconds_total", {**card, "pid": "100", "engine": "core"}, 0.0004),
            # Process 101 has the file of 100.
            ("gaon_process_memory_bytes", {**card, "pid": "101", "memory": "hbm"}, [])):
        report(f"{name} of the tree", value(found, name, **labels) == want, value(found, name, **labels))
    status, headers, text = exporter.get()
    report("who does not ask gets Prometheus' text", status == 200 and "version=0.0.4" in headers["Content-Type"] and
           "# EOF" not in text and "# UNIT" not in text, headers)
    old = samples(parse_text(text))
    same = [key for key in found if not key[0].startswith(OWN) and old.get(key) != found[key]]
    report("with the same samples", old.keys() == found.keys() and not same, same or old.keys() ^ found.keys())
    old_types = {family.name: family.type for family in parse_text(text)}
    report("of types that it has", set(old_types.values()) <= {"gauge", "counter"} and
           old_types["gaon_energy_joules"] == "counter", old_types)


def test_requests(exporter):
    report("/ has a link", "/metrics" in exporter.get("/")[2])
    report("what is not there is 404", exporter.get("/../../etc/passwd")[0] == 404)
    status, headers, text = exporter.get(method="HEAD")
    report("HEAD has no body", status == 200 and int(headers["Content-Length"]) > 1000 and not text, headers)
    for method in ("POST", "PUT", "DELETE", "TRACE"):
        status, headers, _ = exporter.get(method=method)
        report(f"{method} is refused", status == 405 and headers["Allow"] == "GET, HEAD", (status, headers))
    with exporter.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        text = b""
        while text.count(b"HTTP/1.1 200") < 20:
            part = connection.recv(65536)
            if not part:
                break
            text += part
        report("twenty requests in one connection", text.count(b"HTTP/1.1 200") == 20, text[-200:])


def end_of(connection, seconds):
    """True if the other side ends it within that time."""
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            if select.select([connection], [], [], max(0, end - time.monotonic()))[0] and not connection.recv(65536):
                return True
    except ConnectionError:
        return True
    return False


def test_huge(exporter):
    for name, start, part in (("a header without end", b"GET /metrics HTTP/1.1\r\nX: ", b"x" * 65536),
                              ("headers without end", b"GET /metrics HTTP/1.1\r\n", b"X: y\r\n" * 8192),
                              ("a URL without end", b"GET /", b"y" * 65536),
                              ("a body without end", b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                               b"z" * 65536)):
        with exporter.connect() as connection:
            ended = False
            try:
                connection.sendall(start)
                for _ in range(1024):
                    connection.sendall(part)
            except ConnectionError:
                ended = True
            report(f"{name} is cut off", ended or end_of(connection, 5 * PATIENCE))
    seed = int(os.environ.get("GAON_SEED", "0")) or random.randrange(1 << 30)
    print(f"# GAON_SEED={seed}")
    draw = random.Random(seed)
    words = [b"GET ", b"/metrics", b" HTTP/1.1\r\n", b"\r\n", b"Host: x\r\n", b"Content-Length: -1\r\n", b"\0", b"%00%zz",
             b"Transfer-Encoding: chunked\r\n", b"ffffffffffffffff\r\n", b"Accept: application/openmetrics-text\r\n"]
    for _ in range(200):
        with exporter.connect() as connection:
            try:
                connection.sendall(b"".join(draw.choice(words) if draw.random() < 0.7 else draw.randbytes(draw.randrange(64))
                                            for _ in range(draw.randrange(1, 24))))
                connection.shutdown(socket.SHUT_WR)
                connection.recv(65536)
            except ConnectionError:
                pass
    report("two hundred requests of rubbish", exporter.get()[0] == 200)


def test_slow_and_many(exporter):
    """A byte now and then; no byte at all, of more clients than there is room for; who reads nothing."""
    slow = exporter.connect()
    began = time.monotonic()
    slow.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
    deaf = exporter.connect()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    try:
        deaf.settimeout(0.2)
        deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 20000)
    except (OSError, ConnectionError):
        pass
    many = [exporter.connect() for _ in range(100)]
    ended = None
    while time.monotonic() - began < 60 * PATIENCE and ended is None:
        time.sleep(0.5)
        try:
            slow.sendall(b"x")
            if select.select([slow], [], [], 0)[0] and not slow.recv(1024):
                ended = time.monotonic() - began
        except ConnectionError:
            ended = time.monotonic() - began
    report("a client that sends two bytes a second is not waited for", ended and ended < 30 * PATIENCE, ended)
    status = exporter.get(timeout=60.0)[0]
    report("a hundred silent clients and one that does not read: others are answered", status == 200, status)
    for connection in (slow, deaf, *many):
        connection.close()
    with open(f"/proc/{exporter.process.pid}/status", encoding="ascii") as file:
        peak = int(re.search(r"VmHWM:\s+(\d+)", file.read())[1])
    print(f"# the exporter had {peak} KiB at most")
    report("memory stays small", bool(os.environ.get("GAON_SAN")) or peak < 65536, peak)


def test_textfile(work, root):
    where = os.path.join(work, "textfile")
    os.mkdir(where)
    path = os.path.join(where, "gaon.prom")
    wrote = document(root, "exporter", "--textfile", path)
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = samples(parse_text(text))
    report("--textfile: the file has what is said", wrote["samples"] == len(found) and
           wrote["families"] == len(list(parse_text(text))), (wrote, len(found)))
    report("--textfile: others may read it", os.stat(path).st_mode & 0o777 == 0o644)
    done = subprocess.run([GAON, "exporter", "--textfile", path], env=dict(os.environ, GAON_ROOT=root), check=False,
                          preexec_fn=full_disk, stderr=subprocess.PIPE, text=True)
    with open(path, encoding="utf-8") as file:
        report("--textfile: a full disk leaves the old file", done.returncode == 1 and "File too large" in done.stderr and
               file.read() == text and os.listdir(where) == ["gaon.prom"], done.stderr)
    expect(root, "--textfile: a directory that is not there", 1, "exporter", "-t", "/nowhere/a.prom", err="No such file")
    expect(root, "--textfile: a name that nobody reads", 2, "exporter", "-t", path + ".txt", err=r"ends in \.prom")
    expect(root, "--textfile and --listen", 2, "exporter", "-t", path, "-l", "127.0.0.1:0", err="without --listen")
    done = expect(root, "--textfile -", 0, "exporter", "-t", "-", out="gaon_devices 3")
    report("no processes unless they are asked for", "gaon_process_" not in done.stdout)
    empty = os.path.join(work, "empty")
    os.mkdir(empty)
    expect(empty, "a machine without cards", 0, "exporter", "-t", "-", out="gaon_devices 0")


def test_addresses(root, exporter):
    for address in ("localhost:9470", "127.0.0.1", ":9470", "127.0.0.1:65536", "127.0.0.1:http", "::1:9470", "[::1]",
                    "[]:1", "x" * 500):
        expect(root, f"--listen {address[:30]}", 2, "exporter", "--listen", address, err="ADDRESS:PORT")
    expect(root, "a port that is taken", 1, "exporter", "--listen", f"127.0.0.1:{exporter.port}",
           err="already in use; --listen names another")
    expect(root, "an address of another machine", 1, "exporter", "--listen", "192.0.2.1:0", err="Cannot assign")


def test_absurd(work, root):
    """Strings that could end a label; figures that are none."""
    copy = os.path.join(work, "absurd")
    subprocess.run(["cp", "-a", root, copy], check=True)
    card = os.path.join(copy, "sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0")
    for name, text in (("fw_version", '1"} 5 \\ \n'), ("state", "burning"), ("hbm_used", "-4"), ("power/runtime_status", "")):
        with open(os.path.join(card, name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(card, "hwmon/hwmon9/temp1_input"), "wb") as file:
        file.write(b"\xff\xfe")
    done = expect(copy, "absurd files", 0, "exporter", "-t", "-")
    found = samples(parse_text(done.stdout))
    card = {"device": "accel2"}
    report("a quote stays in its label", value(found, "gaon_device_info", firmware_version='1"} 5 \\ ', **card) == 1, found)
    report("what is absurd has no sample", value(found, "gaon_memory_used_bytes", **card) == [] and
           value(found, "gaon_temperature_celsius", **card) == [] and value(found, "gaon_device_awake", **card) == [])
    report("a state that nobody knows is none of them", value(found, "gaon_device_state", gaon_device_state="ready", **card) == 0)


def test_dashboard(work, root):
    """Each query names metrics that are there, with labels that they have."""
    copy = os.path.join(work, "dashboard")
    subprocess.run(["cp", "-a", root, copy], check=True)
    recorded.put(copy, "/sys/devices/pci0000:80/0000:80:01.0/0000:81:00.0/hwmon/hwmon9/temp1_max", "95000")
    found = samples(parse_text(admin_test.run(copy, "exporter", "-p", "-t", "-").stdout))
    labels = {}
    for name, pairs in found:
        labels.setdefault(name, {"instance", "job"}).update(key for key, _ in pairs)
    with open(os.path.join(TOP, "tools/gaon/exporter/grafana.json"), encoding="utf-8") as file:
        board = json.load(file)
    queries = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    queries += [v["query"]["query"] for v in board["templating"]["list"] if v["type"] == "query"]
    bad = []
    used = set()
    for query in queries:
        names = re.findall(r"\b((?:gaon|process)_\w+)\b(?!\s*=)", query)
        used.update(names)
        bad += [(query, name) for name in names if name not in labels]
        for name, selector in re.findall(r"\b(\w+)\{([^}]*)\}", query):
            bad += [(query, label) for label in re.findall(r"(\w+)\s*=~?", selector) if label not in labels.get(name, ())]
    report(f"{len(queries)} queries of the dashboard name what there is", len(queries) > 15 and not bad, bad)
    ids = [panel["id"] for panel in board["panels"]]
    report("its panels have numbers of their own", len(set(ids)) == len(ids))
    print(f"# the dashboard uses {len(used)} of {len(labels)} metrics")


def test_cost(work):
    """Processor time of a scrape with eight cards, as the exporter counts it."""
    root = os.path.join(work, "many")
    recorded.many(root)
    exporter = Exporter(root)
    count = 20

    def used():
        return value(samples(parse_text(exporter.get()[2])), "process_cpu_seconds_total")

    used()
    began = used()
    for _ in range(count):
        time.sleep(0.3)
        exporter.get()
    time.sleep(0.3)
    each = (used() - began) / (count + 1) * 1000
    print(f"# a scrape of eight cards takes {each:.2f} ms of processor time")
    report("a scrape of eight cards is below 5 ms", bool(os.environ.get("GAON_SAN")) or each < 5, each)
    report("SIGTERM ends it", exporter.stop() == (0, ""))


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "tree")
        recorded.machine(root)
        first = "/sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:00.0"
        recorded.port_at(root, f"{first}/port0", 1, 1, bad=4)
        recorded.port_at(root, f"{first}/port1", state="down")
        test_textfile(work, root)
        test_absurd(work, root)
        test_dashboard(work, root)
        exporter = Exporter(root, "--processes")
        report("it says where", exporter.announced["textfile"] is None, exporter.announced)
        test_values(exporter)
        test_requests(exporter)
        test_addresses(root, exporter)
        test_huge(exporter)
        test_slow_and_many(exporter)
        report("after all that it still ends well", exporter.stop() == (0, ""))
        test_cost(work)
    return admin_test.finish()


if __name__ == "__main__":
    sys.exit(main())
