#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the test programs of one or several builds and prints `N passed, N failed` as its last line.

A test program exits 0 or 1. Check's summary line ("100%: Checks: 12, Failures: 0, Errors: 0") and TAP
lines ("ok 1 - name") are counted one by one; a program that prints neither counts as one test. A program
that crashes, hangs or is missing fails. Nothing is skipped silently: a skip must be printed as a TAP line
"ok N - name # SKIP reason" and is counted and listed.
"""
import argparse
import concurrent.futures
import fnmatch
import glob
import os
import re
import shutil
import signal
import subprocess
import sys
import time

CHECK_LINE = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)", re.M)
TAP_LINE = re.compile(r"^(not ok|ok)\b(.*)$", re.M)
TELLING = re.compile(r"^not ok\b|^[^ ]+:\d+:[FE]:|ERROR: \w+Sanitizer|SUMMARY: |WARNING: ThreadSanitizer|"
                     r"runtime error: |^vm\.py: |Assertion|[Tt]raceback|^#\d+ +0x\w+ \w+_fn$")
SANITIZER = re.compile(r"ERROR: (AddressSanitizer|LeakSanitizer|ThreadSanitizer)|"
                       r"WARNING: ThreadSanitizer|runtime error: |ERROR: libFuzzer")


# What `make check` has in the debugging kernel: what meets most of its checks, which with KUnit takes ten minutes there; all
# of it takes hours, and more than the whole check may, with the kernel's build.
DEBUGGED = ("driver/kunit", "uapi/modules", "uapi/bind", "uapi/fail", "uapi/memory", "uapi/unplug")
SOAK_MINUTES = 10
# Minutes under ASan in which the model interprets kernels that others of the same kind have had interpreted.
ASAN_WITHOUT = ("conformance/ops_flash_attn", "conformance/demo_test", "conformance/compiled_operators")
SLOW = {"CK_TIMEOUT_MULTIPLIER": "2"}       # a test's own limit, where a sanitizer slows it


class Job:
    def __init__(self, stage, name, command, env, timeout):
        self.stage, self.name, self.command, self.env = stage, name, command, env
        self.timeout = timeout
        self.passed = self.failed = 0
        self.skipped = []
        self.start = self.seconds = 0.0
        self.output = ""
        self.why = ""

    def count(self, status):
        out = self.output
        for checks, failures, errors in CHECK_LINE.findall(out):
            bad = int(failures) + int(errors)
            self.failed += bad
            self.passed += int(checks) - bad
        for verdict, rest in TAP_LINE.findall(out):
            if "# SKIP" in rest.upper():
                self.skipped.append(rest.strip())
            elif verdict == "ok":
                self.passed += 1
            else:
                self.failed += 1
        if status != 0:
            self.why = self.why or f"exit status {status}"
        if SANITIZER.search(out):
            self.why = self.why or "sanitizer report"
        if self.why:
            self.failed = max(self.failed, 1)
        elif not self.passed and not self.failed and not self.skipped:
            self.passed = 1

    def run(self, logs):
        self.start = time.monotonic()
        try:
            with subprocess.Popen(self.command, env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
                try:
                    output, status = process.communicate(timeout=self.timeout)[0], process.returncode
                except subprocess.TimeoutExpired:
                    stacks = end_family(process.pid)
                    output, status = rest_of(process) + stacks, -1
                    self.why = f"still running after {self.timeout} s"
            self.output = output.decode(errors="replace")
        except OSError as error:
            self.output, status, self.why = "", -1, str(error)
        self.seconds = time.monotonic() - self.start
        self.count(status)
        path = os.path.join(logs, f"{self.stage}.{self.name.replace('/', '_')}.log")
        with open(path, "w", encoding="utf-8") as log:
            log.write(f"$ {' '.join(self.command)}\n{self.output}\n{self.why}\n")
        return self


def family(pid):
    """The process and what it has started, parents first."""
    found = [pid]
    for task in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            with open(task, encoding="ascii") as children:
                found += [one for child in children.read().split() for one in family(int(child))]
        except OSError:
            pass        # it has ended
    return found


def end_family(pid):
    """Ends a program that hangs, with what it has started; where our own programs hung."""
    members, stacks = family(pid), b""
    for member in members:
        try:
            if os.readlink(f"/proc/{member}/exe").startswith(os.getcwd()):
                stacks += subprocess.run(["timeout", "30", "eu-stack", "-s", "-n", "32", "-p", str(member)], check=False,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout
        except OSError:
            pass
    for member in members:
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return stacks


def rest_of(process):
    """What an ended program had printed; what it started and has lost may keep the pipe open."""
    try:
        return process.communicate(timeout=10)[0]
    except subprocess.TimeoutExpired as open_pipe:
        return open_pipe.stdout or b""


def make_list(target, build, extra=()):
    out = subprocess.run(["make", "-s", f"O={build}", *extra, target], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    return [line for line in out.split() if line.startswith(build)]


def plan(options):
    env = dict(os.environ, GAON_BUILD_DIR=os.path.abspath(options.build))
    jobs = []

    def add(stage, build, programs, extra_env, timeout, args=()):
        stage_env = dict(env, GAON_BUILD_DIR=os.path.abspath(build), **extra_env)
        for program in programs:
            name = os.path.relpath(program, os.path.join(build, "tests"))
            if options.test and not fnmatch.fnmatch(name, f"*{options.test}*"):
                continue
            jobs.append(Job(stage, name, [os.path.abspath(program), *args], stage_env, timeout))

    def add_guests():
        guest = [sys.executable, "tests/vm/vm.py", "--build", build, "--jobs", "1"]
        # Who asks for some tests gets them with all kernels.
        short = [] if options.test else ["--short"]
        listed = subprocess.run([*guest, *short, "--test", options.test, "boots"], check=True, stdout=subprocess.PIPE, text=True)
        for line in listed.stdout.splitlines():
            kernel, shape, seconds = line.split()
            jobs.append(Job("vm", f"{kernel}/{shape}",
                            [*guest, *short, "--test", options.test, "--kernel", kernel, "--shape", shape, "check"],
                            env, int(seconds)))
        # It is first, since it takes longest: where the kernel is not in the cache it is built, by one processor, while
        # others run the other tests.
        if not options.test:
            command = [*guest, "--kernel", "debug", "--shape", "plain", "--test", ",".join(DEBUGGED), "check"]
            jobs.insert(0, Job("vm", "debug/plain", command, dict(env, JOBS="1"), 5400))
            # By the clock: beside what is slow anyway.
            command = [*guest, "--kernel", "7.3", "--test", "soak/chaos", "check"]
            jobs.insert(1, Job("vm", "7.3/soak", command, dict(env, GAON_MINUTES=str(SOAK_MINUTES)), 60 * SOAK_MINUTES + 900))
        for name, command in (("dkms", [sys.executable, "tests/vm/vm_dkms.py", "--build", build]),
                              ("lint", [*guest, "lint"])):
            if not options.test or fnmatch.fnmatch(name, f"*{options.test}*"):
                jobs.append(Job("vm", name, command, env, 1200))

    build = options.build
    for stage in options.stages:
        if stage == "normal":
            add(stage, build, make_list("list-tests", build), {}, 400)
        elif stage in ("early", "late"):
            add(stage, build, make_list("list-device", build), {"GAON_SIM_EFFECTS": stage}, 300)
        elif stage == "asan":
            programs = make_list("list-tests", f"{build}/asan", ["SAN=address,undefined"])
            # Who asks for some tests gets them.
            left_out = () if options.test else tuple(f"{build}/asan/tests/{name}" for name in ASAN_WITHOUT)
            add(stage, f"{build}/asan", [program for program in programs if program not in left_out],
                {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1", **SLOW}, 600)
        elif stage == "tsan":
            add(stage, f"{build}/tsan", make_list("list-tsan", f"{build}/tsan", ["SAN=thread"]),
                {"TSAN_OPTIONS": "halt_on_error=0:exitcode=66", **SLOW}, 900)
        elif stage == "vm":
            add_guests()
        elif stage == "fuzz":
            seconds = options.fuzz_seconds
            seed = os.environ.get("GAON_SEED", str(int(time.time())))
            add(stage, f"{build}/fuzz", make_list("list-fuzzers", f"{build}/fuzz", ["FUZZ=1"]),
                {}, seconds + 120,
                [f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=25", "-rss_limit_mb=4096",
                 "-print_final_stats=1", f"-artifact_prefix={os.path.abspath(options.build)}/logs/"])
    return jobs


def telling(output):
    """The lines of a failed program's output that say what failed."""
    return [line for line in output.splitlines() if TELLING.search(line)]


def show(job, options):
    verdict = "FAIL" if job.failed else "ok"
    print(f"{verdict:5}{job.stage:7} {job.name:40} {job.passed:5} passed {job.failed:3} failed"
          f" {job.seconds:7.1f} s" + (f"  {job.why}" if job.why else ""), flush=True)
    for skip in job.skipped:
        print(f"     skipped: {skip}")
    if job.failed:
        lines = job.output.splitlines()
        tail = lines[-options.lines:]
        told = telling("\n".join(lines[:-options.lines]))[:options.lines]
        print("\n".join("     | " + line for line in told + ["..."] * bool(told) + tail), flush=True)


def sum_up(failures, lines):
    """What failed, once more in few lines: the end of a long log is what people see of it."""
    for job in failures:
        print(f"FAIL {job.stage} {job.name}: {job.why or 'see its log'}")
        told = telling(job.output)[:max(3, lines // len(failures))]
        print("".join(f"     | {line[:300]}\n" for line in told), end="")
    sys.stdout.flush()


def show_slowest(jobs, count=12):
    """What the time went to: by stage, then the longest programs."""
    stages = {}
    for job in jobs:
        stages[job.stage] = stages.get(job.stage, 0) + job.seconds
    print("time of the stages, one after the other: " + ", ".join(f"{name} {clock(spent)}" for name, spent in stages.items()))
    longest = sorted(jobs, key=lambda job: -job.seconds)[:count]
    print("longest: " + ", ".join(f"{job.stage} {job.name} {clock(job.seconds)}" for job in longest))


class Status:
    """One line below the results that says how far the run is; only where people watch, on a terminal."""

    def __init__(self, jobs):
        self.jobs, self.begin = jobs, time.monotonic()
        self.shown = sys.stdout.isatty()

    def clear(self):
        """Makes room for something else to be printed."""
        if self.shown:
            print("\r\033[K", end="", flush=True)

    def draw(self, done, failed):
        """The line: how many of the programs are done, since when, and what runs for longest."""
        if not self.shown:
            return
        now = time.monotonic()
        running = sorted((job for job in self.jobs if job.start and not job.seconds), key=lambda job: job.start)
        line = f"{done} of {len(self.jobs)} done, {failed} failed, {clock(now - self.begin)}"
        line += "".join(f"; {job.stage} {job.name} {clock(now - job.start)}" for job in running)
        print(f"\r\033[K{line[:shutil.get_terminal_size().columns - 1]}", end="", flush=True)


def clock(seconds):
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def run_all(jobs, options, logs):
    """Runs the jobs, shows each as it ends; returns those that failed."""
    failures, done, status = [], 0, Status(jobs)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        pending = {pool.submit(job.run, logs) for job in jobs}
        while pending:
            ended, pending = concurrent.futures.wait(pending, timeout=1,
                                                     return_when=concurrent.futures.FIRST_COMPLETED)
            for job in (future.result() for future in ended):
                status.clear()
                show(job, options)
                failures += [job] * bool(job.failed)
                done += 1
            status.draw(done, len(failures))
    status.clear()
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--test", default="", help="only tests whose name contains this pattern")
    parser.add_argument("--fuzz-seconds", type=int, default=15, help="per fuzz target")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="programs at once")
    parser.add_argument("--lines", type=int, default=40, help="lines of output shown of a failure")
    parser.add_argument("stages", nargs="+", choices=["normal", "early", "late", "asan", "tsan", "fuzz", "vm"])
    options = parser.parse_args()

    logs = os.path.join(options.build, "logs")
    os.makedirs(logs, exist_ok=True)
    jobs = plan(options)
    failures = run_all(jobs, options, logs)
    passed, failed = sum(job.passed for job in jobs), sum(job.failed for job in jobs)
    skipped = sum(len(job.skipped) for job in jobs)
    if not jobs:
        print("no test matches", file=sys.stderr)
        failed = 1
    if len(jobs) > 1:
        show_slowest(jobs)
    sum_up(failures, options.lines)
    print(f"logs: {logs}")
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
