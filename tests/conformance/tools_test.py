#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tools libraries: what libgaon loads for GAON_TOOLS, what it refuses, and that no exported function is left out."""
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile

from recorded_run import GAON, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
PROF = os.path.join(BUILD, "gaon", "prof.so")


def run(command, **environment):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, check=False, env={**os.environ, **environment})


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def symbols(library, *options):
    """Names that nm tells of a library."""
    text = run(["nm", *options, library]).stdout
    return {line.split()[-1].split("@")[0] for line in text.splitlines() if line.strip()}


def test_nothing_is_left_out():
    """Each exported function has an entry in the table, a definition of its own behind it and a wrapper in the tool."""
    exported = set(re.findall(r"^\t(gaon_\w+);$", read(f"{TOP}/runtime/libgaon.map"), re.M))
    table = set(re.findall(r"^\t__typeof__\((gaon_\w+)\) \*\w+;$", read(f"{BUILD}/include/runtime/calls.h"), re.M))
    report("the table has every exported function and no other", exported == table, " ".join(exported ^ table))
    own = {name[:-4] for name in symbols(f"{BUILD}/libgaon.so", "--defined-only") if re.fullmatch(r"gaon_\w+_own", name)}
    report("each has a definition behind the table", exported == own, " ".join(exported ^ own))
    for tool in sorted(os.listdir(f"{BUILD}/gaon")):
        found = {"gaon_" + name[6:] for name in symbols(f"{BUILD}/gaon/{tool}", "--defined-only")
                 if name.startswith("layer_")}
        # The debugger watches no calls.
        report(f"{tool} has a wrapper for each", exported <= found or (tool == "debug.so" and not found),
               " ".join(exported - found))
        wanted = {name for name in symbols(f"{BUILD}/gaon/{tool}", "-D", "--undefined-only") if name.startswith("gaon")}
        report(f"{tool} brings no libgaon with it", not wanted, " ".join(wanted))


def test_what_is_refused(work):
    for value, why in (("prof.so", "path from the root"), (f"{work}/none.so", "No such file"),
                       (f"{BUILD}/libgaonops.so", "no tools library"), (PROF, "GAON_PROF_DIR")):
        done = run([GAON, "version"], GAON_TOOLS=value, GAON_PROF_DIR="")
        report(f"{os.path.basename(value)} is refused, the program goes on",
               done.returncode == 0 and done.stdout.startswith("gaon") and why in done.stderr, f"{done}")
    # Another version: the string in the tool is made another.
    other = f"{work}/other.so"
    with open(PROF, "rb") as file:
        data = file.read()
    version = run([GAON, "version"]).stdout
    number = re.search(r"\d+\.\d+\.\d+", version).group(0).encode()
    with open(other, "wb") as file:
        file.write(data.replace(b"\0" + number + b"\0", b"\0" + b"9" * len(number) + b"\0"))
    done = run([GAON, "version"], GAON_TOOLS=other, GAON_PROF_DIR=work)
    report("a tool of another version is refused", done.returncode == 0 and "same release" in done.stderr, f"{done}")
    report("and has written nothing", not [name for name in os.listdir(work) if name.endswith(".prof")])


def test_privilege(work):
    """A program that has more privilege than its user loads nothing."""
    if os.geteuid() or os.statvfs(work).f_flag & os.ST_NOSUID or os.environ.get("GAON_SAN"):
        print("# only root can make such a program; left out")
        return
    os.chmod(work, 0o755)
    program, out, libraries = f"{work}/program", f"{work}/out", f"{work}/lib"
    os.mkdir(libraries)
    os.mkdir(out)
    os.chmod(out, 0o777)
    # A loader that is careful takes libraries from paths that the program names from the root.
    for library in (f"{BUILD}/libgaon.so.0", PROF):
        shutil.copy(library, libraries)
    with open(f"{work}/program.c", "w", encoding="utf-8") as file:
        file.write("#include <gaon/gaon.h>\n#include <stdio.h>\nint main(void) { return puts(gaon_version()) < 0; }\n")
    built = run(["clang-22", f"{work}/program.c", f"-I{TOP}/include", "-o", program, f"{libraries}/libgaon.so.0",
                 f"-Wl,-rpath,{libraries}"])
    report("a program to try it with", built.returncode == 0, built.stderr)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
    environment = {"GAON_TOOLS": f"{libraries}/prof.so", "GAON_PROF_DIR": out}
    done = run(as_nobody, **environment)
    report("a plain program is watched", done.returncode == 0 and len(os.listdir(out)) == 1, f"{done}")
    os.chmod(program, 0o755 | stat.S_ISUID)
    done = run(as_nobody, **environment)
    report("one that is set-user-id is not", done.returncode == 0 and done.stdout and len(os.listdir(out)) == 1,
           f"{done} {os.listdir(out)}")


def main():
    with tempfile.TemporaryDirectory() as work:
        test_nothing_is_left_out()
        test_what_is_refused(work)
        test_privilege(work)
    sys.exit(finish())


main()
