#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The libraries export what their headers declare, all of it and nothing else; the headers compile alone."""
import os
import re
import shlex
import subprocess
import sys

source = os.environ["GAON_SOURCE_DIR"]
build = os.environ["GAON_BUILD_DIR"]
compiler = shlex.split(os.environ.get("CC", "clang-22"))
failures = []


def check(name, good, detail=""):
    print(f"{'ok' if good else 'not ok'} - {name}{': ' + detail if detail and not good else ''}")
    if not good:
        failures.append(name)


def declarations(*paths):
    """Names that the headers declare."""
    names = set()
    for path in paths:
        text = open(f"{source}/include/gaon/{path}", encoding="utf-8").read()
        code = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
        names |= set(re.findall(r"GAON_API[^;]*?\b(gaon_\w+)\s*\(", code))
    return names


def check_exports(library, script, node, declared):
    """The library exports what the version script lists, and that is what its headers declare."""
    listed = set(re.findall(r"^\t(gaon_\w+);$", open(f"{source}/{script}", encoding="utf-8").read(), re.M))
    nm = subprocess.run(["nm", "-D", "--defined-only", f"{build}/{library}"], check=True,
                        capture_output=True, text=True).stdout
    exported = {line.split()[2].split("@")[0] for line in nm.splitlines() if len(line.split()) == 3}
    exported.discard(node)
    check(f"{script} lists what the headers declare", declared == listed, " ".join(sorted(declared ^ listed)))
    check(f"{library} exports what {script} lists", exported == listed, " ".join(sorted(exported ^ listed)))


header = open(f"{source}/include/gaon/gaon.h", encoding="utf-8").read()
check_exports("libgaon.so", "runtime/libgaon.map", "LIBGAON_0", declarations("gaon.h"))
check_exports("libgaonops.so", "runtime/ops/libgaonops.map", "GAONOPS_0",
              declarations("ops.h", "tensor.h", "products.h"))

# Each declaration has a comment, or follows one that has without an empty line.
lines = header.split("\n")
bare = []
for number, line in enumerate(lines):
    if not line.startswith("GAON_API"):
        continue
    above = number - 1
    while above >= 0 and lines[above].strip() and not lines[above].rstrip().endswith("*/"):
        above -= 1
    near = above >= 0 and lines[above].rstrip().endswith("*/")
    section = any("/* ---" in l for l in lines[max(0, number - 60):number])
    if not near and not section:
        bare.append(line)
check("each declaration is documented", not bare, "; ".join(bare))

soname = subprocess.run(["readelf", "-d", f"{build}/libgaon.so"], check=True,
                        capture_output=True, text=True).stdout
check("the soname is libgaon.so.0", "[libgaon.so.0]" in soname)
check("no text relocations, no executable stack", "TEXTREL" not in soname)

for name in ("gaon", "ops", "tensor", "products"):
    for language, standard in (("c", "c11"), ("c++", "c++11")):
        done = subprocess.run([*compiler, "-x", language, f"-std={standard}", "-pedantic", "-Wall", "-Wextra",
                               "-Werror", "-fsyntax-only", f"-I{source}/include", "-"],
                              input=f"#include <gaon/{name}.h>\n", text=True, capture_output=True, check=False)
        check(f"gaon/{name}.h compiles alone as {standard}", done.returncode == 0, done.stderr)
sys.exit(1 if failures else 0)
