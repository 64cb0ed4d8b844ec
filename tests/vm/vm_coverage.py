#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How much of driver/ runs in the guests' tests: gcov of gaon.ko in a debugging kernel that counts.

The module is built once more with counters, below O/vm/coverage; each boot's counters are read after its tests,
when the module has been unloaded. A boot that the guest does not outlive counts nothing. What is counted: each
line of driver/*.c and driver/*.h that has code, and each way that a branch of it can take, once with those inside of
the kernel's macros and inline functions, of which flush_workqueue() has 32, and once only of lines whose own text
decides something ("decisions"). Exit status 1 if a test failed or a share is below the limits given.
"""
import argparse
import base64
import collections
import dataclasses
import glob
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import vm
import vm_image
from vm_boot import BootError
from vm_image import ImageError
from vm_plan import TREE, PlanError, Test, boots

# Of the lists for stock kernels alone, what runs in this one as well.
_ALSO = ("coredump/incidents", "power/")
_LEFT_OUT = ("bare", "lockup", "llama", "bench", "kexec", "card", "card-iommu", "card-private")
_GCOV = Test("gcov", "sh tests/vm/guest/gcov.sh", "", timeout=60)


_DECIDES = re.compile(r"\b(if|while|for|switch|case)\b|\?|&&|\|\||for_each")


@dataclasses.dataclass
class Line:
    """How often a line has run, and each way out of its branches."""
    count: int = 0
    branches: list = dataclasses.field(default_factory=list)


class CountedBoot(vm.Boot):
    """A boot whose last step prints the counters."""

    def _steps(self):
        return [test for test in super()._steps() if test.name != "leaks"] + [_GCOV]


def plan(options):
    """The debugging kernel's tests and what else runs in it: [(Shape, [Test])]."""
    found = {}
    for kernel, kind, tests in boots(options.build, ("7.3", "debug"), options.test, options.shape):
        chosen = found.setdefault(kind.name, (kind, []))[1]
        names = {test.name for test in chosen}
        chosen += [test for test in tests if
                   (test.name not in names if kernel == "debug" else test.name.startswith(_ALSO))]
    return [(kind, tests) for name, (kind, tests) in found.items() if tests and name not in _LEFT_OUT]


def archives(path):
    """The archives of counters in a boot's log."""
    with open(path, encoding="utf-8", errors="replace") as log:
        text = "\n".join(line[6:] for line in log.read().splitlines() if line.startswith("gcov: "))
    for found in re.findall(r"^gcov begin$(.*?)^gcov end$", text, re.M | re.S):
        yield base64.b64decode(found)


def gcov(image, notes, archive):
    """What gcov says of an archive of counters: its JSON documents. @notes has the compiler's .gcno files."""
    with tempfile.TemporaryDirectory(dir=image.out) as work:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(work, filter="data")
        names = []
        for path in glob.glob(os.path.join(work, "**/gaon_*.gcda"), recursive=True):
            note = os.path.join(notes, os.path.basename(path).replace(".gcda", ".gcno"))
            if not os.path.exists(note):
                continue                # of the KUnit tests themselves
            name = os.path.basename(path)
            os.rename(path, os.path.join(work, name))
            shutil.copy(note, work)
            names.append(name)
        if not names:
            return []
        command = [*vm_image.inside(image.root, [], [work]), "--chdir", work,
                   "gcov", "-b", "--json-format", "--stdout", *names]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def add(files, documents):
    """Adds documents to {name: {number: Line}}. A header's line is in many objects: their counts add up."""
    for document in documents:
        for one in document["files"]:
            name = os.path.basename(one["file"])
            if not os.path.exists(os.path.join(TREE, "driver", name)):
                continue
            for found in one["lines"]:
                line = files[name][found["line_number"]]
                line.count += found["count"]
                ways = [way["count"] for way in found["branches"]]
                # Inlined twice, a line may have more of them once than the other time.
                ways += [0] * (len(line.branches) - len(ways))
                old = line.branches + [0] * (len(ways) - len(line.branches))
                line.branches = [a + b for a, b in zip(old, ways)]


def deciding(name, lines):
    """Those lines of a file of the driver whose text decides something; a trace point's is the kernel's."""
    with open(os.path.join(TREE, "driver", name), encoding="utf-8") as source:
        text = dict(enumerate(source.read().splitlines(), 1))
    return [line for number, line in lines.items()
            if _DECIDES.search(text.get(number, "")) and not name.endswith("_trace.h")]


def rows(files):
    """[(name, lines run, lines, branches taken, branches, decisions taken, decisions)], the total last."""
    out = []
    for name, lines in sorted(files.items()):
        ways = [way for line in lines.values() for way in line.branches]
        own = [way for line in deciding(name, lines) for way in line.branches]
        out.append((name, sum(line.count > 0 for line in lines.values()), len(lines),
                    sum(way > 0 for way in ways), len(ways), sum(way > 0 for way in own), len(own)))
    return out + [("total", *(sum(row[i] for row in out) for i in range(1, 7)))]


def percent(part, whole):
    """A share in percent; of nothing, all."""
    return 100 * part / whole if whole else 100.0


def missing(files):
    """Ranges of lines that never ran, the longest of all files first: [(lines, name, first, last)]."""
    out = []
    for name, lines in files.items():
        first, count = None, 0
        for number in [*sorted(lines), None]:
            if number is not None and not lines[number].count:
                first, last, count = first or number, number, count + 1
            elif first:
                out.append((count, name, first, last))
                first, count = None, 0
    return sorted(out, reverse=True)


def show(files, options):
    """Prints the table and writes the JSON; whether both totals reach the limits."""
    table = rows(files)
    for name, *numbers in table:
        print(f"# {name:26} lines {numbers[0]:5} of {numbers[1]:5} {percent(*numbers[:2]):5.1f} %"
              f"   branches {numbers[2]:5} of {numbers[3]:5} {percent(*numbers[2:4]):5.1f} %"
              f"   decisions {numbers[4]:5} of {numbers[5]:5} {percent(*numbers[4:]):5.1f} %")
    for count, name, first, last in missing(files)[:options.missing]:
        print(f"# never run: driver/{name}:{first}-{last}: {count} lines")
    path = os.path.join(options.build, "vm", "coverage", "driver.json")
    with open(path, "w", encoding="utf-8") as out:
        keys = ("lines_run", "lines", "branches_taken", "branches", "decisions_taken", "decisions")
        json.dump({"files": {name: dict(zip(keys, numbers)) for name, *numbers in table},
                   "never_run": [f"{name}:{first}-{last}" for _, name, first, last in missing(files)]},
                  out, indent=1)
    print(f"# {path}")
    lines, branches = percent(*table[-1][1:3]), percent(*table[-1][3:5])
    if lines < options.least_lines or branches < options.least_branches:
        print(f"vm_coverage.py: {lines:.1f} % of lines and {branches:.1f} % of branches ran; wanted are "
              f"{options.least_lines} % and {options.least_branches} %: `never run` above says which did not",
              file=sys.stderr)
        return False
    return True


def run(options):
    """Runs the boots and gathers; the exit status."""
    work = plan(options)
    if not work:
        raise PlanError("no test matches")
    image = vm_image.guest("debug", options.build, ["coverage.config"])
    image.out = os.path.join(os.path.abspath(options.build), "vm", "coverage")
    vm_image.prepare(image, options.build, flags=("GCOV_PROFILE=y",))
    notes = os.path.join(image.out, "modules", "gaon")
    tap, files = vm.Tap(), collections.defaultdict(lambda: collections.defaultdict(Line))
    for kind, tests in work:
        boot = CountedBoot(image, kind, tests, options.build, tap, options.verbose)
        if not options.gather:
            boot.run()
        got = list(archives(boot.log_path)) if os.path.exists(boot.log_path) else []
        for archive in got:
            add(files, gcov(image, notes, archive))
        if not options.gather:
            tap.result(bool(got), f"{boot.title} counts")
            total = rows(files)[-1]
            tap.comment(f"until now {percent(*total[1:3]):.1f} % of lines, "
                        f"{percent(*total[3:5]):.1f} % of branches, {percent(*total[5:]):.1f} % of decisions")
    good = show(files, options)
    return tap.close() or not good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--test", default="", help="only tests whose name contains this pattern")
    parser.add_argument("--shape", default="", help="only this shape of guest")
    parser.add_argument("--gather", action="store_true", help="run nothing: sum up what the last runs have left")
    parser.add_argument("--missing", type=int, default=40, help="how many ranges that never ran are shown")
    parser.add_argument("--least-lines", type=float, default=0, help="fail below so many percent")
    parser.add_argument("--least-branches", type=float, default=0, help="the same of branches")
    parser.add_argument("--verbose", action="store_true", help="show all that tests print")
    options = parser.parse_args()
    try:
        return int(run(options))
    except (PlanError, ImageError, BootError) as error:
        print(f"vm_coverage.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
