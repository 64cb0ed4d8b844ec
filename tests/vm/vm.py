#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs tests in guests: QEMU, a stock or a debugging kernel, the device model as a PCIe card.

  vm.py check     every boot of the chosen kernels; TAP as it comes, then `N passed, N failed`
  vm.py boots     lists them, one `KERNEL SHAPE SECONDS` a line
  vm.py shell     an interactive guest
  vm.py demo      the language model answers in a guest; PROMPT in the environment
  vm.py modules   builds the kernel module for each kernel
  vm.py lint      W=1, sparse and checkpatch on the kernel module
  vm.py deps      makes what is cached
"""
import argparse
import concurrent.futures
import os
import re
import sys
import threading
import time

import vm_image
import vm_lint
from vm_boot import BootError, Machine
from vm_image import ImageError
from vm_plan import KERNELS, PlanError, Test, boots, shape

STOCK = ("6.12", "7.3")
SLOW = {"debug": 6}         # by which tests' times are multiplied
CHECK_SLOW = 20             # the limits of Check in every guest, whose processor is emulated; and SLOW besides
_TAP = re.compile(r"^(not ok|ok)\b[ \d]*(?:- )?(.*)$")
_CHECK = re.compile(r"^\d+%: Checks: (\d+), Failures: (\d+), Errors: (\d+)")
_PLAN = re.compile(r"^(1\.\.\d+|TAP version \d+)")


class Tap:
    """Prints results as they come, and counts them."""

    def __init__(self):
        self.passed = self.failed = self.skipped = self.number = 0
        self._lock = threading.Lock()

    def result(self, good, text):
        """One line of TAP."""
        with self._lock:
            self.number += 1
            if "# SKIP" in text.upper():
                self.skipped += 1
            elif good:
                self.passed += 1
            else:
                self.failed += 1
            print(f"{'ok' if good else 'not ok'} {self.number} - {text}", flush=True)

    def close(self):
        """Prints the plan and the totals; returns the exit status."""
        print(f"1..{self.number}")
        tail = f", {self.skipped} skipped" if self.skipped else ""
        print(f"{self.passed} passed, {self.failed} failed{tail}", flush=True)
        return 1 if self.failed else 0

    def checks(self, line, total, bad):
        """The last line of a program that uses Check."""
        with self._lock:
            self.passed += total - bad
            self.failed += bad
            print(line, flush=True)

    def comment(self, text):
        """Text that is no result."""
        with self._lock:
            print("\n".join(f"# {line}" for line in text.splitlines()), flush=True)


class Boot:
    """One boot's tests; if the guest dies of one, the rest run in a new guest."""

    def __init__(self, image, kind, tests, build, tap, verbose):
        self.image, self.kind, self.tests, self.build = image, kind, tests, build
        self.tap, self.verbose = tap, verbose
        self.title = f"{image.kernel} {kind.name}"
        self.log_path = os.path.join(image.out, f"{kind.name}.tests.log")
        self.seconds = {}

    def run(self):
        """Runs all tests; results go to the Tap."""
        todo = list(enumerate(self._steps()))
        start = time.monotonic()
        attempt = 0
        with open(self.log_path, "w", encoding="utf-8", buffering=1) as self.log:
            while todo:
                attempt += 1
                todo = self._boot(todo, f"{self.kind.name}.{attempt}" if attempt > 1 else self.kind.name)
                if todo and attempt == 1 + len(self.tests):
                    for _, test in todo:
                        self.tap.result(False, f"{self.title} {test.name}: not run: the guest dies again and again")
                    break
        longest = sorted(self.seconds.items(), key=lambda item: -item[1])[:5]
        self.tap.comment(f"{self.title}: {time.monotonic() - start:.1f} s"
                         + "".join(f", {name} {seconds:.1f}" for name, seconds in longest))

    def _steps(self):
        steps = sorted(self.tests, key=lambda test: test.last)
        first, final = [], []
        if self.kind.module is not None:
            first.append(Test("load", f"modprobe gaon {self.kind.module}", self.kind.name))
            final.append(Test("unload", "modprobe -r gaon && ! grep '^gaon ' /proc/modules", self.kind.name))
        if self.image.kernel == "debug" and not any(test.last for test in steps):
            final.append(Test("leaks", "sh tests/vm/guest/leaks.sh", self.kind.name, timeout=120))
        return first + steps + final

    def _boot(self, todo, name):
        begin = time.monotonic()
        try:
            machine = Machine(self.image, self.kind, self.build, name)
        except BootError as error:
            self._not_started(todo, error)
            return []
        try:
            try:
                machine.wait_ready()
            except BootError as error:
                self._not_started(todo, error)
                return []
            early = machine.log.of(-1)
            self.tap.result(not early, f"{self.title} boots in {time.monotonic() - begin:.1f} s"
                            + "".join(f": kernel: {kind}: {text}" for kind, text in early.items()))
            if name != self.kind.name and self.kind.module is not None and todo[0][1].name != "load":
                machine.run(9999, f"modprobe gaon {self.kind.module}", 60)
            while todo:
                number, test = todo.pop(0)
                if not self._test(machine, number, test):
                    break
            late = {kind: text for kind, text in machine.log.of(-1).items() if kind not in early}
            for kind, text in late.items():
                self.tap.result(False, f"{self.title}: between tests: kernel: {kind}: {text}")
        finally:
            machine.stop()
        return todo

    def _not_started(self, todo, error):
        self.tap.comment(str(error))
        for _, test in todo:
            self.tap.result(False, f"{self.title} {test.name}: the guest did not start")

    def _test(self, machine, number, test):
        """Runs one test; returns False if the guest is not to be used any more."""
        title = f"{self.title} {test.name}"
        counted, lines, inner = 0, [], 0

        def on_line(line):
            nonlocal counted, inner
            lines.append(line)
            self.log.write(f"{test.name}: {line}\n")
            found, check = _TAP.match(line), _CHECK.match(line)
            if found:
                counted += 1
                inner += found[1] != "ok"
                if not test.expect:
                    self.tap.result(found[1] == "ok", f"{title}: {found[2]}")
            elif check:
                total, bad = int(check[1]), int(check[2]) + int(check[3])
                counted, inner = counted + 1, inner + bad
                if not test.expect:
                    self.tap.checks(line, total, bad)
            elif self.verbose and not _PLAN.match(line):
                self.tap.comment(line)

        slow = SLOW.get(self.image.kernel, 1)
        variables = f"O={os.path.abspath(self.build)} GAON_BUILD_DIR={os.path.abspath(self.build)} " \
                    f"GAON_INITRAMFS={self.image.initramfs} GAON_SLOW={slow} " \
                    f"CK_TIMEOUT_MULTIPLIER={CHECK_SLOW * slow} " \
                    f"GAON_SEED={os.environ.get('GAON_SEED', str(int(time.time())))} PATH=$PATH:$O/bin"
        minutes = int(os.environ.get("GAON_MINUTES", test.minutes)) if test.minutes else 0
        if minutes:
            variables += f" GAON_MINUTES={minutes}"
        if self.kind.llama:
            variables += f" GAON_LLM={vm_image.model()}"
        self.log.write(f"== {test.name}: {test.run}\n")
        result, troubles = machine.run(number, f"export {variables}; {test.run}",
                                       test.timeout * slow + 60 * minutes, test.user,
                                       on_line, test.restarts)
        self.log.write(f"== {test.name}: {result} {troubles}\n")
        self.seconds[test.name] = int(result.get("ms", 0)) / 1000
        if inner:
            troubles["tap"] = f"{inner} results are `not ok`"
        if test.expect:
            missing, extra = set(test.expect) - set(troubles), set(troubles) - set(test.expect + test.allow)
            self.tap.result(not missing and not extra, f"{title}: notices " + ", ".join(test.expect) +
                            (f"; MISSED: {', '.join(sorted(missing))}" if missing else "") +
                            "".join(f"; not expected: {kind}: {troubles[kind]}" for kind in sorted(extra)))
        else:
            told = {kind: text for kind, text in troubles.items() if kind not in test.allow}
            told.pop("tap", None)       # its lines have been printed
            if inner and set(told) == {"exit"}:
                told = {}               # and this is their consequence
            for kind, text in told.items():
                self.tap.result(False, f"{title}: {kind}: {text}")
            if not told and not counted:
                self.tap.result(True, f"{title} ({int(result.get('ms', 0)) / 1000:.1f} s)")
            if troubles and not self.verbose:
                self.tap.comment("\n".join(lines[-40:]))
        if "dead" in troubles or test.last:
            return False
        return True


def chosen(options):
    """The kernels that the options name."""
    if not options.kernel:
        return STOCK
    names = options.kernel.replace(",", " ").split()
    for name in names:
        if name not in KERNELS:
            raise PlanError(f"no kernel {name}; there are: {', '.join(KERNELS)}")
    return names


def check(options):
    """Every boot of the plan."""
    plan = boots(options.build, chosen(options), options.test, options.shape, options.short)
    if not plan:
        raise PlanError("no test matches")
    tap = Tap()
    images = {}
    for kernel in dict.fromkeys(kernel for kernel, _, _ in plan):
        images[kernel] = vm_image.guest(kernel, options.build)
        vm_image.prepare(images[kernel], options.build)
    work = [Boot(images[kernel], kind, tests, options.build, tap, options.verbose) for kernel, kind, tests in plan]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in [pool.submit(boot.run) for boot in work]:
            done.result()
    print(f"# logs: {os.path.join(options.build, 'vm')}")
    return tap.close()


def list_boots(options):
    """For tests/run.py: what to run, and how long it may take."""
    for kernel, kind, tests in boots(options.build, chosen(options), options.test, options.shape, options.short):
        print(kernel, kind.name, 300 + sum(SLOW.get(kernel, 1) * test.timeout + 60 * test.minutes for test in tests))
    return 0


def modules(options):
    """Builds all modules, and says where they are."""
    for kernel in chosen(options):
        image = vm_image.guest(kernel, options.build)
        vm_image.prepare(image, options.build)
        print(f"{image.release}: {os.path.join(image.out, 'layer/usr/lib/modules', image.release, 'updates')}")
    return 0


def lint(options):
    """Static checks of the kernel module."""
    tap = Tap()
    vm_lint.run(chosen(options), options.build, tap)
    return tap.close()


def deps(options):
    """Makes the roots, and the debugging kernel if it is named."""
    vm_lint.scripts()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(vm_image.guest, kernel, options.build) for kernel in chosen(options)]:
            print(done.result().image)
    return 0


def shell(options):
    """An interactive guest."""
    kernel = chosen(options)[-1]
    kind = shape(options.shape or "plain")
    image = vm_image.guest(kernel, options.build)
    vm_image.prepare(image, options.build)
    print(f"Linux {image.release} starts; `exit` or Ctrl-D ends it. Its kernel's log: "
          f"{os.path.join(image.out, 'shell.console.log')}", flush=True)
    machine = Machine(image, kind, options.build, "shell", shell=True)
    try:
        return machine.wait()
    finally:
        machine.stop()


def demo(options):
    """gaon-demo-llm in a guest, on the terminal."""
    kernel = chosen(options)[-1]
    kind = shape(options.shape or "llama")
    image = vm_image.guest(kernel, options.build)
    vm_image.prepare(image, options.build)
    # What is asked, in a file: the kernel's command line is short.
    asked = os.path.join(image.out, "demo.arguments")
    with open(asked, "w", encoding="utf-8") as file:
        file.writelines(f"{word}\0" for word in [*os.environ.get("DEMO_ARGS", "").split(), os.environ.get("PROMPT", "")] if word)
    print(f"Linux {image.release} starts; an emulated processor takes a minute or two to load the model.", flush=True)
    machine = Machine(image, kind, options.build, "demo", shell=True,
                      words={"gaon_run": f"sh tests/vm/guest/demo.sh {asked}"})
    try:
        machine.wait()
    finally:
        machine.stop()
    with open(machine.console_path, encoding="utf-8", errors="replace") as log:
        if "gaon-vm: demo: exit status 0\n" in log.read().replace("\r", ""):
            return 0
    print(f"vm.py: the demo failed; the log of the guest's kernel: {machine.console_path}", file=sys.stderr)
    return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--kernel", default="", help=f"of {', '.join(KERNELS)}; default: {' and '.join(STOCK)}")
    parser.add_argument("--test", default="", help="only tests whose name contains this pattern")
    parser.add_argument("--shape", default="", help="only this shape of guest")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2), help="guests at once")
    parser.add_argument("--short", action="store_true", help="what `make check` has: most with one kernel only")
    parser.add_argument("--verbose", action="store_true", help="show all that tests print")
    parser.add_argument("command", choices=["check", "boots", "shell", "demo", "modules", "lint", "deps"])
    options = parser.parse_args()
    actions = {"check": check, "boots": list_boots, "shell": shell, "demo": demo, "modules": modules, "lint": lint,
               "deps": deps}
    try:
        return actions[options.command](options)
    except (PlanError, ImageError, BootError) as error:
        print(f"vm.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
