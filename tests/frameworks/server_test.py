#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""llama-server with four slots on the device under many short requests: no error, the same answer to the same
question, and no growth of host memory or of device memory.

  server_test [--requests N] [--seconds S]
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import time

import llm_kit

SLOTS = 4
# At least so many, however slow the machine is; buffers come to be in the first ones, which are not measured.
FEWEST = 48
# Host memory may differ by what malloc() keeps: a leak of 16 KiB a request shows in a thousand. Device memory may differ by
# the graphs that are recorded, of some 260 KiB, of which a stream comes to keep eight: a page a request shows in a thousand.
HOST_MIB = 16
DEVICE_KIB = 3072
QUESTIONS = ("The capital of France is", "One, two, three,", "Water boils at", "The sun rises in the", "Roses are red,",
             "A cat says", "The opposite of hot is", "Two and two are", "Once upon a time")


class Connection(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path):
        super().__init__("localhost", timeout=300)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(path, method, url, body=None):
    """The status and the JSON of an answer."""
    connection = Connection(path)
    try:
        connection.request(method, url, json.dumps(body) if body else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


class Load:
    """Requests, until there are enough or time is up; what went wrong."""

    def __init__(self, path, requests, seconds):
        self.path, self.requests = path, requests
        self.until = time.monotonic() + seconds if seconds else None
        self.done, self.errors, self.answers = 0, [], {}
        self.lock = threading.Lock()

    def take(self, limit):
        """The number of the next request, or None."""
        with self.lock:
            late = self.until and time.monotonic() > self.until and self.done >= FEWEST
            if self.done >= limit or late or len(self.errors) > 5:
                return None
            self.done += 1
            return self.done - 1

    def work(self, limit):
        """One client: asks, and asks again."""
        while (number := self.take(limit)) is not None:
            question = QUESTIONS[number % len(QUESTIONS)]
            tokens = 2 + number % 3
            try:
                status, answer = request(self.path, "POST", "/completion", {
                    "prompt": question, "n_predict": tokens, "temperature": 0, "cache_prompt": False})
                problem = None if status == 200 and answer["tokens_predicted"] == tokens else f"{status}: {answer}"
            except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
                problem = repr(error)
            with self.lock:
                if problem:
                    self.errors.append(f"request {number}: {problem}")
                else:
                    self.answers.setdefault((question, tokens), set()).add(answer["content"])

    def run(self, limit):
        """As many clients as there are slots, up to @limit requests altogether."""
        with concurrent.futures.ThreadPoolExecutor(SLOTS) as pool:
            for done in [pool.submit(self.work, limit) for _ in range(SLOTS)]:
                done.result()


def server_pid(parent):
    """The process that llama-server runs in, below @parent."""
    with open(f"/proc/{parent}/comm", encoding="ascii") as file:
        if file.read().strip() == "llama-server":
            return parent
    with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
        for child in file.read().split():
            found = server_pid(int(child))
            if found:
                return found
    return None


def host_memory(pid):
    """Bytes of memory that the process has, without what it has of files; the embedded device's is among them."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"^RssAnon:\s*(\d+) kB", file.read(), re.M)[1]) << 10


def wait_ready(path, program, seconds):
    """Whether the server answers that it is well."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and program.poll() is None:
        try:
            if request(path, "GET", "/health")[0] == 200:
                return True
        except OSError:
            pass
        time.sleep(0.2)
    return False


def measure(results, program, listen, door, options):
    """The requests, and what memory there is before and after them."""
    pid = server_pid(program.pid)
    load = Load(listen, options.requests, options.seconds)
    begin = time.monotonic()
    samples = []
    step = FEWEST // 2 if options.seconds else max(FEWEST // 2, options.requests // 10)
    for limit in range(step, options.requests + step, step):
        if load.done < limit - step:
            break
        load.run(min(limit, options.requests))
        samples.append((load.done, host_memory(pid), int(llm_kit.ask(door, "memory"))))
        print("# after %d requests: host memory %d bytes, device memory %d bytes" % samples[-1], flush=True)
    took = time.monotonic() - begin
    results.report(f"{load.done} requests in {took:.1f} s without an error",
                   not load.errors and load.done >= min(FEWEST, options.requests), "; ".join(load.errors[:5]) or load.done)
    results.report(f"{len(load.answers)} questions, an answer each", all(len(text) == 1 for text in load.answers.values()),
                   {question: text for question, text in load.answers.items() if len(text) > 1})
    results.report("with the answer that is known", any("Paris" in text for (question, _), texts in load.answers.items()
                                                        for text in texts if "France" in question), load.answers)
    (warm, *before), (_, *after) = samples[0], samples[-1]
    results.report(f"host memory: {before[0] >> 20} MiB after {warm} requests, {(after[0] - before[0]) / 2**20:+.1f} MiB after all",
                   after[0] - before[0] <= HOST_MIB << 20, f"at most {HOST_MIB} MiB")
    results.report(f"device memory: {before[1] >> 10} KiB after {warm} requests, {(after[1] - before[1]) >> 10:+d} KiB after all",
                   after[1] - before[1] <= DEVICE_KIB << 10, f"at most {DEVICE_KIB} KiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0, help=f"no new ones after that, but {FEWEST} at least; 0: no limit")
    options = parser.parse_args()
    results = llm_kit.Results()
    with tempfile.TemporaryDirectory() as work:
        door, listen = os.path.join(work, "door"), os.path.join(work, "listen.sock")
        command = [*llm_kit.LLAMA, "llama-server", "-m", llm_kit.model(), "-ngl", "99", "-t", "1", "--parallel", str(SLOTS),
                   "-c", str(256 * SLOTS), "--cache-ram", "0", "--no-webui", "--host", listen]
        with open(os.path.join(work, "log"), "w+", encoding="utf-8", errors="replace") as log, \
                subprocess.Popen(command, env=llm_kit.environment(GAON_PROBE=door), stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=subprocess.STDOUT) as program:
            try:
                if results.report("the server is ready", wait_ready(listen, program, 150)):
                    measure(results, program, listen, door, options)
                    results.report("it still runs", program.poll() is None, program.returncode)
            finally:
                program.terminate()
                try:
                    program.wait(60)
                except subprocess.TimeoutExpired:
                    program.kill()
            log.seek(0)
            said = log.read()
    wrong = [line for line in said.splitlines() if "Gaon0: " in line and "left to another backend" not in line]
    results.report("nothing of the device in its log", not wrong, "\n".join(wrong))
    if results.failed:
        print("".join(f"# {line}\n" for line in said.splitlines()[-40:]), end="")
    results.end()


main()
