#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Installs, upgrades, removes and purges the packages in clean Debian systems, as apt does it on a machine.

  check.py --build O [--packages DIRECTORY] [SUITE...]      TAP; `make check-deb`

What is upgraded from are the same packages with an older version and other contents of their conffiles. On a Debian that
lacks the compiler which libgaon-dev needs, the packages but that one are tried: those who only run programs need no more."""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "tools/setup"))
import deb_root  # noqa: E402 pylint: disable=wrong-import-position

_ALWAYS = ("apt-utils", "systemd", "udev", "kmod", "dkms", "pkg-config", "cmake", "gcc", "libc6-dev", "make", "libncursesw6", "libjansson4",
           "libkmod2", "libdrm2", "bash-completion", "busybox-static")
# What apt could not fetch without a network, and packages that cannot be installed there.
SUITES = {"bookworm": ((*_ALWAYS, "clang-22", "lld-22", "libdrm-dev", "libkmod-dev", "libssl-dev", "zlib1g-dev",
                          "libmicrohttpd12", "libssl3"), ()),
          "trixie": ((*_ALWAYS, "libmicrohttpd12t64", "libssl3t64"), ("libgaon-dev",))}
OLDER = "0.0.1"


def run(*command, **more):
    return subprocess.run(command, stdin=subprocess.DEVNULL, check=True, **more)


def older(paths, directory):
    """The same packages as an older release: version, what they ask of each other, and what their conffiles have."""
    for path in paths:
        work = os.path.join(directory, "unpacked")
        run("dpkg-deb", "--raw-extract", path, work)
        control = os.path.join(work, "DEBIAN/control")
        with open(control, encoding="utf-8") as file:
            text = file.read()
        version = re.search(r"^Version: (.*)$", text, re.M)[1]
        text = re.sub(r"^Version: .*$", f"Version: {OLDER}", text, flags=re.M).replace(f"(= {version})", f"(= {OLDER})")
        text = re.sub(r"(gaon[\w-]*) \(>= [^)]*\)", r"\1", text)
        with open(control, "w", encoding="utf-8") as file:
            file.write(text)
        conffiles = os.path.join(work, "DEBIAN/conffiles")
        if os.path.exists(conffiles):
            with open(conffiles, encoding="utf-8") as file:
                for name in file.read().split():
                    with open(work + name, "a", encoding="utf-8") as conf:
                        conf.write("# of an older release\n")
        shutil.rmtree(os.path.join(work, "DEBIAN/md5sums"), ignore_errors=True)
        run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", work, directory, stdout=subprocess.DEVNULL)
        shutil.rmtree(work)
    with open(os.path.join(directory, "version"), "w", encoding="utf-8") as file:
        file.write(OLDER)


def version_of(path):
    return subprocess.run(["dpkg-deb", "-f", path, "Version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def try_suite(suite, debs, work):
    """Lines of TAP of one Debian, and whether all is well."""
    packages, without = SUITES[suite]
    root = deb_root.make(f"try-{suite}", suite, packages)
    shutil.rmtree(work, ignore_errors=True)
    mine, new, old = (os.path.join(work, name) for name in ("root", "new", "old"))
    for directory in (new, old):
        os.makedirs(directory)
    chosen = [path for path in debs if os.path.basename(path).split("_")[0] not in without]
    for path in chosen:
        shutil.copy2(path, new)
    older(chosen, old)
    run("cp", "-a", root, mine)
    try:
        done = subprocess.run([*deb_root.inside(mine, readonly=[new, old, TREE], change=True), "sh",
                               f"{deb_root.seen_at(TREE)}/tests/deb/lifecycle.sh", deb_root.seen_at(old), deb_root.seen_at(new),
                               deb_root.seen_at(TREE), version_of(chosen[0])],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    lines = re.findall(r"^(?:not )?ok \d+ - .*$", done.stdout, re.M)
    plan = re.search(r"^1\.\.(\d+)$", done.stdout, re.M)
    whole = bool(plan) and int(plan[1]) == len(lines)
    return lines + ([] if whole else [f"not ok 0 - the script came to its end: exit {done.returncode}, {done.stdout[-300:]!r}"]), \
        whole and done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--packages", help="directory of packages that were built before (default: they are built)")
    parser.add_argument("suites", nargs="*", choices=[*SUITES, []], help="default: all")
    options = parser.parse_args()
    if not options.packages:
        run(sys.executable, os.path.join(TREE, "tools/setup/deb.py"), "--build", options.build)
    where = options.packages or os.path.join(options.build, "deb")
    debs = sorted(path for path in glob.glob(os.path.join(where, "*.deb")) if "-dbgsym_" not in path)
    if not debs:
        print(f"check-deb: no package is in {where}", file=sys.stderr)
        return 1
    number, failed = 0, 0
    for suite in options.suites or SUITES:
        lines, good = try_suite(suite, debs, os.path.join(os.path.abspath(options.build), "deb-try", suite))
        for line in lines:
            number += 1
            print(re.sub(r"ok \d+ - ", f"ok {number} - {suite}: ", line, count=1), flush=True)
        failed += not good
    print(f"1..{number}")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
