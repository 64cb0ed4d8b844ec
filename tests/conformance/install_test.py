#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make install` installs is complete: the README's first program is taken out of the README, compiled
against the installed headers, library and gaoncc alone, and run; so are the installed commands."""
import os
import re
import subprocess
import sys
import tempfile

TOP = os.environ["GAON_SOURCE_DIR"]
BUILD = os.environ["GAON_BUILD_DIR"]
COUNT = FAILED = 0


def report(name, good, detail=""):
    global COUNT, FAILED
    COUNT += 1
    FAILED += not good
    print(f"{'ok' if good else 'not ok'} {COUNT} - {name}{'' if good else ': ' + detail}", flush=True)
    return good


def run(args, cwd, **extra_env):
    env = dict(os.environ, **extra_env)
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    return subprocess.run(args, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, stdin=subprocess.DEVNULL, timeout=300, check=False)


def code_blocks():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
        return re.findall(r"^```c\n(.*?)^```", file.read(), re.M | re.S)


def main():
    with tempfile.TemporaryDirectory() as work:
        root = os.path.join(work, "root")
        done = run(["sh", "tools/setup/install.sh", BUILD, root, "/usr", "test"], TOP)
        if not report("install into DESTDIR", done.returncode == 0, done.stdout):
            return 1
        for path in ("bin/gaon", "bin/gaoncc", "bin/gaon-sim", "bin/gaon-demo-digits", "lib/libgaon.so",
                     "lib/libgaonops.so", "lib/libgaon.a", "lib/libggml-gaon.so", "include/gaon/gaon.h", "include/gaon/device.h",
                     "include/gaon/ops.h", "include/gaon/tensor.h", "include/gaon/products.h", "include/gaon/device/tensor.h",
                     "include/hw/gaon_packet.h", "lib/pkgconfig/gaon.pc",
                     "lib/firmware/gaon/ga1.bin", "lib/libgaon.so.0", "share/man/man1/gaon.1",
                     "share/man/man1/gaoncc.1", "share/man/man1/gaon-sim.1", "share/man/man1/gaon-demo-digits.1",
                     "share/gaon/schema/info.json", "share/gaon/schema/demo-digits.json"):
            report(f"/usr/{path} is there", os.path.exists(os.path.join(root, "usr", path)), "missing")

        usr = os.path.join(root, "usr")
        blocks = code_blocks()
        device = next((b for b in blocks if "gaon/device.h" in b), None)
        host = next((b for b in blocks if "gaon/gaon.h" in b), None)
        if not report("README has a device and a host program", bool(device and host)):
            return 1
        for name, text in (("saxpy.c", device), ("main.c", host)):
            with open(os.path.join(work, name), "w", encoding="utf-8") as file:
                file.write(text)
        done = run([f"{usr}/bin/gaoncc", "-O3", "saxpy.c", "-o", "saxpy.elf"], work)
        report("installed gaoncc compiles the kernel", done.returncode == 0, done.stdout)
        flags = run(["pkg-config", "--define-prefix", "--cflags", "--libs", "gaon"], work,
                    PKG_CONFIG_PATH=f"{usr}/lib/pkgconfig").stdout.split()
        san = os.environ.get("GAON_SAN", "")
        done = run(["clang-22", "-Wall", "-Werror", "main.c", "-o", "main", *flags, f"-Wl,-rpath,{usr}/lib",
                    *([f"-fsanitize={san}"] if san else [])], work)
        report("the host program compiles against the installed library", done.returncode == 0, done.stdout)
        done = run(["./main"], work)
        report("it computes what the README says", done.returncode == 0 and "y[999] = 1999" in done.stdout,
               f"exit {done.returncode}: {done.stdout}")
        done = run([f"{usr}/bin/gaon", "version"], work)
        report("installed gaon finds its library", done.returncode == 0, done.stdout)
        done = run([f"{usr}/bin/gaon", "info"], work)
        report("installed gaon opens the embedded device", done.returncode == 0, done.stdout)
        plugin(usr, san)
    return 1 if FAILED else 0


def plugin(usr, san):
    """ggml's plug-in: the libraries beside it are enough, and llama.cpp finds its device."""
    env = {"GGML_BACKEND_PATH": f"{usr}/lib/libggml-gaon.so", "GAON_DEVICE": "embedded"}
    if san:     # programs of llama.cpp do not have the sanitizers' libraries
        done = run(["readelf", "-d", env["GGML_BACKEND_PATH"]], usr)
        report("the installed plug-in looks for its libraries beside it", "[$ORIGIN]" in done.stdout, done.stdout)
        return
    done = run(["sh", os.path.join(TOP, "tools/setup/llama.sh"), "llama-cli", "--list-devices"], usr, **env)
    report("llama.cpp has a device by the installed plug-in", done.returncode == 0 and
           re.search(r"^ +Gaon0: ", done.stdout, re.M), done.stdout)
    os.remove(f"{usr}/lib/libgaonops.so.0")
    done = run(["sh", os.path.join(TOP, "tools/setup/llama.sh"), "llama-cli", "--list-devices"], usr, **env)
    report("and none without the libraries that are installed with it", "Gaon0" not in done.stdout, done.stdout)


if __name__ == "__main__":
    sys.exit(main())
