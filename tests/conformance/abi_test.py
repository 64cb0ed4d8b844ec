#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The binary interface of the libraries against that of the last release, debian/abi: programs built for that one run
with this one. What abidiff calls a change is one, but for new functions and for members at the end of structures
that begin with their size: callers say how much of those they know."""
import glob
import os
import re
import subprocess
import sys
import tempfile
from xml.etree import ElementTree

from recorded_run import TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]

# One library in the ways in which it may change, and whether programs for the first one run with it.
FIRST = """
#include <stddef.h>
enum kind { ONE, TWO };
struct growing { size_t size; int a; int b; };
struct fixed { int a; int b; };
int take(struct growing *g, struct fixed *f, enum kind k) { return g->a + f->a + (int)k; }
int other(int a) { return a; }
"""
CHANGES = (("nothing changed", lambda t: t, True),
           ("a function more", lambda t: t + "int more(void) { return 0; }\n", True),
           ("a value more", lambda t: t.replace("TWO }", "TWO, THREE }"), True),
           ("a member at the end of what tells its size", lambda t: t.replace("size; int a; int b;", "size; int a; int b; long c;"), True),
           ("a member in the middle of that", lambda t: t.replace("size; int a; int b;", "size; int a; long c; int b;"), False),
           ("a member at the end of what does not", lambda t: t.replace("fixed { int a; int b;", "fixed { int a; int b; long c;"), False),
           ("a member of another type", lambda t: t.replace("fixed { int a;", "fixed { long a;"), False),
           ("a value that is another", lambda t: t.replace("ONE, TWO", "ONE = 3, TWO"), False),
           ("a parameter of another type", lambda t: t.replace("other(int a)", "other(long a)").replace("return a;", "return (int)a;"), False),
           ("a function less", lambda t: t.replace("int other", "static __attribute__((used)) int other"), False))


def run(*command):
    return subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def growing(texts):
    """Names of structures whose first member is their size."""
    return sorted(set(re.findall(r"^struct (\w+) \{\n?\s*size_t size;", "\n".join(texts), re.M)))


def rules(path, names):
    """A file for abidiff: members may come at the end of these structures."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"[suppress_type]\n  type_kind = struct\n  name_regexp = ^({'|'.join(names)})$\n  has_data_member_inserted_at = end\n")
    return path


def places(path, names):
    """{(structure, member): its offset} of these structures."""
    return {(one.get("name"), member.find("var-decl").get("name")): member.get("layout-offset-in-bits")
            for one in ElementTree.parse(path).iter("class-decl") if one.get("name") in names for member in one.iter("data-member")}


def changes(before, after, rule, names):
    """(whether programs for before run with after, what is said); both are descriptions."""
    done = run("abidiff", "--no-added-syms", "--suppressions", rule, before, after)
    # abidiff takes a member that is aligned beyond the old end for one at the end, though others have moved.
    old, new = places(before, names), places(after, names)
    moved = [f"{struct}.{member} was at bit {at}, and is at {new.get((struct, member))}" for (struct, member), at in sorted(old.items())
             if new.get((struct, member)) != at]
    return done.returncode == 0 and not moved, "\n".join([done.stdout, *moved])


def describe(path, *command):
    done = subprocess.run(command, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    with open(path, "w", encoding="utf-8") as file:
        file.write(done.stdout)
    report(f"{os.path.basename(path)} is described", done.returncode == 0, done.stderr)
    return path


def test_checker(work):
    """The check itself: each kind of change is found, or let pass."""
    names = growing([FIRST])
    rule = rules(os.path.join(work, "own.rules"), names)
    paths = []
    for number, (_, change, _) in enumerate(CHANGES):
        path = os.path.join(work, f"lib{number}.so")
        subprocess.run(["clang-22", "-xc", "-", "-g", "-shared", "-fPIC", "-o", path], input=change(FIRST), text=True, check=True)
        paths.append(describe(path[:-3] + ".abi", "abidw", path))
    for (name, _, fine), path in zip(CHANGES, paths):
        good, text = changes(paths[0], path, rule, names)
        report(f"{name}: {'passes' if fine else 'is found'}", good == fine, text)


def test_library(work, name, rule, names):
    """One library against what is kept of the last release."""
    kept = os.path.join(TOP, f"debian/abi/{name}0.abi")
    now = describe(os.path.join(work, f"{name}.abi"), "sh", "tools/setup/abi.sh", os.path.join(BUILD, f"{name}.so.0"))
    good, text = changes(kept, now, rule, names)
    report(f"{name}: programs built for the last release run with it", good, "\n" + "".join(f"# {line}\n" for line in text.splitlines()) +
           "# If that is meant, the library needs a new soname; before the first release with it: make abi")
    with open(kept, encoding="utf-8") as file:
        functions = set(re.findall(r"<elf-symbol name='(\w+)'[^>]* type='func-type'", file.read()))
    with open(os.path.join(TOP, f"debian/{name}0.symbols"), encoding="utf-8") as file:
        promised = set(re.findall(r"^ (gaon_\w+)@", file.read(), re.M))
    report(f"{name}: what is kept is of no other library", functions and functions <= promised, sorted(functions - promised))


def main():
    if os.environ.get("GAON_SAN"):
        print("ok 1 - the interface # SKIP sanitizers change what the libraries export")
        return 0
    texts = []
    for path in glob.glob(os.path.join(TOP, "include/gaon/*.h")):
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    with tempfile.TemporaryDirectory() as work:
        test_checker(work)
        names = growing(texts)
        rule = rules(os.path.join(work, "rules"), names)
        for name in ("libgaon", "libgaonops"):
            test_library(work, name, rule, names)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
