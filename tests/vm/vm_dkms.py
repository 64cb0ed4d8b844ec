#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The DKMS source package builds and installs for a guest's kernel, with the DKMS and the compiler of its Debian.

  vm_dkms.py --build O [KERNEL...]      TAP; `make check-dkms`

It runs in the guest's root on the host, since an emulated processor compiles slowly. The root is read-only: what
DKMS writes goes into a directory of the build.
"""
import argparse
import os
import shutil
import subprocess
import sys

import vm_image
from vm_plan import TREE


def dkms(image, work, *arguments):
    """Runs dkms; returns (its exit status is 0, what it printed)."""
    trees = ["--dkmstree", f"{work}/dkms", "--sourcetree", f"{work}/usr/src", "--installtree", f"{work}/modules"]
    done = subprocess.run([*vm_image.inside(image.root, [], [work]), "--chdir", work, "dkms", *arguments, *trees,
                           "-k", image.release], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    return done.returncode == 0, done.stdout


def try_kernel(kernel, build):
    """[(good, what)] for one kernel."""
    image = vm_image.guest(kernel, build)
    work = os.path.join(image.out, "dkms")
    version = subprocess.run(["sh", os.path.join(TREE, "driver/version.sh")], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.strip()
    shutil.rmtree(work, ignore_errors=True)
    for name in ("dkms", "modules"):
        os.makedirs(os.path.join(work, name))
    os.makedirs(os.path.join(work, "modules", image.release))
    os.symlink(image.headers, os.path.join(work, "modules", image.release, "build"))
    subprocess.run(["make", "-s", f"O={build}", f"DESTDIR={work}", "dkms_install"], cwd=TREE, check=True,
                   stdout=subprocess.DEVNULL)
    out = [(os.path.exists(os.path.join(work, path)), f"{kernel}: {path}") for path in
           ("lib/firmware/gaon/ga1.bin", "lib/udev/rules.d/70-gaon.rules", f"usr/src/gaon-{version}/dkms.conf")]
    for step in ("add", "build", "install"):
        extra = ["--no-depmod"] if step == "install" else []
        good, text = dkms(image, work, step, "-m", "gaon", "-v", version, *extra)
        good = good and "bad exit status" not in text   # of a step that DKMS goes on without
        out.append((good, f"{kernel}: dkms {step}"))
        if not good:
            print("".join(f"# {line}\n" for line in text.splitlines()), end="")
            log = os.path.join(work, f"dkms/gaon/{version}/build/make.log")
            if os.path.exists(log):
                with open(log, encoding="utf-8", errors="replace") as file:
                    print("".join(f"# {line}" for line in file.readlines()[-20:]), end="")
            return out
    found = [os.path.join(at, name) for at, _, names in os.walk(os.path.join(work, "modules")) for name in names
             if name.startswith("gaon.ko")]
    out.append((len(found) == 1, f"{kernel}: installed as {', '.join(os.path.relpath(path, work) for path in found)}"))
    for path in found:
        told = subprocess.run([*vm_image.inside(image.root, [work]), "modinfo", "-F", "vermagic", path],
                              stdout=subprocess.PIPE, text=True, check=False).stdout
        out.append((told.startswith(f"{image.release} "), f"{kernel}: for {told.strip()}"))
    good, text = dkms(image, work, "remove", "-m", "gaon", "-v", version)
    left = any(name.startswith("gaon.ko") for _, _, names in os.walk(os.path.join(work, "modules")) for name in names)
    out.append((good and not left, f"{kernel}: dkms remove leaves nothing"))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build directory")
    parser.add_argument("kernels", nargs="*", help="default: 6.12 and 7.3")
    options = parser.parse_args()
    number = bad = 0
    for kernel in options.kernels or ["6.12", "7.3"]:
        for good, what in try_kernel(kernel, os.path.abspath(options.build)):
            number += 1
            bad += not good
            print(f"{'ok' if good else 'not ok'} {number} - {what}", flush=True)
    print(f"1..{number}")
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
