# SPDX-License-Identifier: MIT
"""What kernel developers check a driver with: W=1, sparse, checkpatch.pl --strict, Kconfig in the kernel's tree."""
import glob
import os
import re
import shutil
import subprocess

import vm_image
import vm_kconfig
from vm_plan import TREE

_FINDING = re.compile(r"^(\S*/)?(?P<file>\w+\.[ch]):\d+(:\d+)?: (warning|error)")
# checkpatch's types that do not fit a driver outside the kernel's tree.
_IGNORED = ["FILE_PATH_CHANGES", "SPDX_LICENSE_TAG"]
# And those that do not fit some files: TRACE_EVENT() has a layout of its own; one module crashes on purpose; macros of tests make tables.
_IGNORED_IN = {"_trace.h": ["OPEN_ENDED_LINE", "PARENTHESIS_ALIGNMENT"], "gaon_trouble.c": ["AVOID_BUG"],
               "_test.c": ["MACRO_ARG_REUSE"]}
# sparse of Debian 13 cannot read the headers of 7.3 (__typeof_unqual__).
_SPARSE = ("6.12",)


def compile_findings(image):
    """Builds the driver anew with W=1 and, where it can, sparse; returns what they say of its files."""
    own = {os.path.basename(path) for path in glob.glob(os.path.join(TREE, "driver/*.[ch]"))}
    own |= {os.path.basename(path) for path in glob.glob(os.path.join(TREE, "include/hw/*.h"))} | {"gaon_accel.h"}
    shutil.rmtree(os.path.join(image.out, "lint"), ignore_errors=True)
    with vm_image.Lock(os.path.join(image.out, "lint.lock")):
        # sparse does not know that guard() unlocks; lockdep does.
        flags = ["W=1"] + (["C=2", "CHECK=sparse", "CF=-Wno-context"] if image.kernel in _SPARSE else [])
        log = vm_image.build_module(image, "driver", "gaon", flags, "lint")[1]
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    checked = sum(line.lstrip().startswith("CHECK ") for line in lines)
    sources = len(glob.glob(os.path.join(TREE, "driver/*.c")))
    if checked != sources and image.kernel in _SPARSE:
        return [f"sparse has looked at {checked} of {sources} files: {log}"]
    return [line for line in lines
            if (found := _FINDING.match(line)) and found["file"] in own or "WARNING: modpost" in line]


def scripts():
    """The directory with checkpatch.pl, out of the kernel's source; as seen in the root linux-source."""
    directory = os.path.join(vm_image.root("linux-source"), "usr/src")
    tar = glob.glob(os.path.join(directory, "linux-source-*.tar.xz"))[0]
    made = os.path.join(directory, "scripts")
    with vm_image.Lock(made + ".lock"):
        if not os.path.isdir(made):
            new = made + ".new"
            shutil.rmtree(new, ignore_errors=True)
            os.makedirs(new)
            subprocess.run(["tar", "-x", "-f", tar, "-C", new, "--strip-components=2", "--wildcards",
                            "*/scripts/checkpatch.pl", "*/scripts/spelling.txt", "*/scripts/const_structs.checkpatch"],
                           check=True)
            os.rename(new, made)
    return "/usr/src/scripts"


def checkpatch(path, directory):
    """What checkpatch.pl --strict says of a file."""
    ignored = _IGNORED + [kind for end, kinds in _IGNORED_IN.items() if path.endswith(end) for kind in kinds]
    done = subprocess.run([*vm_image.inside(vm_image.root("linux-source"), [TREE]), "--chdir", TREE,
                           "--setenv", "LC_ALL", "C", "perl",
                           os.path.join(directory, "checkpatch.pl"), "--no-tree", "--strict", "--terse", "--no-summary",
                           "--max-line-length=100", f"--ignore={','.join(ignored)}", "--file", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.replace(TREE + "/", "").splitlines() or \
        ([f"exit status {done.returncode}"] if done.returncode else [])


def run(kernels, build, tap):
    """Prints one result per kernel and per file."""
    for kernel in kernels:
        findings = compile_findings(vm_image.guest(kernel, build))
        tap.result(not findings, f"{kernel} driver: W=1{' and sparse' if kernel in _SPARSE else ''}: {len(findings)} findings")
        if findings:
            tap.comment("\n".join(findings))
    if "7.3" in kernels:        # the kernel whose source is there
        findings = vm_kconfig.findings(vm_image.guest("7.3", build))
        tap.result(not findings, f"7.3 driver: Kconfig: {len(findings)} findings")
        if findings:
            tap.comment("\n".join(findings))
    directory = scripts()
    patterns = ("driver/*.[ch]", "driver/tests/*.[ch]", "include/uapi/drm/*.h", "tests/vm/module/*.c")
    for path in sorted(path for pattern in patterns for path in glob.glob(os.path.join(TREE, pattern))):
        findings = checkpatch(path, directory)
        tap.result(not findings, f"checkpatch: {os.path.relpath(path, TREE)}: {len(findings)} findings")
        if findings:
            tap.comment("\n".join(findings))
