#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""deb.py --build O: the Debian packages of this tree, built in clean Debian systems without a network.

Lintian looks at them. Results are in O/deb; what was built from the same files before is taken from the cache."""
import argparse
import glob
import hashlib
import os
import shutil
import subprocess
import sys

import deb_root
from deb_root import TREE

BUILDS = (("bookworm", (), ("build-essential", "dpkg-dev", "lintian")),)


def files(tree=TREE):
    """The files of the source package: what git has, as it is in the work tree."""
    done = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=tree, check=True,
                          stdout=subprocess.PIPE)
    names = [name for name in done.stdout.decode().split("\0") if name]
    return sorted(name for name in names if os.path.lexists(os.path.join(tree, name)))


def digest(names, extra):
    """What tells one source from another."""
    state = hashlib.sha256(repr(extra).encode())
    for name in names:
        path = os.path.join(TREE, name)
        state.update(name.encode() + b"\0")
        state.update(os.readlink(path).encode() if os.path.islink(path) else open(path, "rb").read())
    return state.hexdigest()[:16]


def run(what, log, command, **more):
    """Runs a step; its output goes to a file, whose end is shown if it fails."""
    with open(log, "w", encoding="utf-8") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False, **more)
    if done.returncode:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-40:])
        raise deb_root.RootError(f"{tail}deb: {what} failed; the whole log: {log}")


def build_one(suite, profiles, packages, options, names):
    """Builds for one Debian; returns the directory of the packages."""
    root = deb_root.make(f"build-{suite}", suite, packages, profiles)
    key = digest(names, (os.path.basename(root)))
    kept = os.path.join(deb_root.cache(), "packages", f"{suite}-{key}")
    if os.path.isdir(kept):
        return kept
    print(f"deb: building for Debian {suite}", flush=True)
    work = os.path.join(os.path.abspath(options.build), "deb-work", suite)
    shutil.rmtree(work, ignore_errors=True)
    source = os.path.join(work, "gaon")
    for name in names:
        os.makedirs(os.path.dirname(os.path.join(source, name)), exist_ok=True)
        shutil.copy2(os.path.join(TREE, name), os.path.join(source, name), follow_symlinks=False)
    env = {"DEB_BUILD_OPTIONS": f"parallel={os.cpu_count()} nocheck"}
    which = ["-b", f"-P{','.join(profiles)}"] if profiles else ["-F"]
    run("the build", os.path.join(work, "build.log"),
        [*deb_root.inside(root, writable=[work], chdir=f"{deb_root.seen_at(work)}/gaon", env=env),
         "dpkg-buildpackage", "--no-sign", *which])
    run("lintian", os.path.join(work, "lintian.log"),
        [*deb_root.inside(root, readonly=[work], chdir=deb_root.seen_at(work)), "sh", "-c",
         "lintian --allow-root --fail-on error,warning,info --display-info --tag-display-limit 0 *.changes"])
    os.makedirs(os.path.dirname(kept), exist_ok=True)
    shutil.rmtree(kept + ".new", ignore_errors=True)
    os.makedirs(kept + ".new")
    for path in glob.glob(os.path.join(work, "*")):
        if os.path.isfile(path):
            shutil.move(path, kept + ".new")
    os.rename(kept + ".new", kept)
    shutil.rmtree(work)
    return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("--suite", action="append", choices=[suite for suite, _, _ in BUILDS], help="default: all")
    options = parser.parse_args()
    names = files()
    out = os.path.join(os.path.abspath(options.build), "deb")
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    try:
        for suite, profiles, packages in BUILDS:
            if options.suite and suite not in options.suite:
                continue
            kept = build_one(suite, profiles, packages, options, names)
            for path in glob.glob(os.path.join(kept, "*")):
                shutil.copy2(path, out)
    except (deb_root.RootError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(sorted(os.path.relpath(path) for path in glob.glob(os.path.join(out, "*.deb"))
                           if "-dbgsym_" not in path)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
