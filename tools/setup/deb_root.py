# SPDX-License-Identifier: MIT
"""Clean Debian systems, in which packages are built and tried. They are made once, by mmdebstrap from the mirrors that
this machine's apt uses, and kept outside the tree: $GAON_CACHE, default ~/.cache/gaon. Unlike the roots of root.sh
they are installed: maintainer scripts ran, and dpkg knows what is there."""
import fcntl
import hashlib
import os
import re
import shutil
import subprocess

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYOUT = "1"    # raise this when the same arguments are to give another root
SUITES = {"bookworm": ("bookworm", "bookworm-updates", "bookworm-security"), "forky": ("forky",),
          "trixie": ("trixie", "trixie-updates", "trixie-security")}


class RootError(Exception):
    """A root could not be made; the text says why."""


def cache():
    """The directory outside the tree that keeps what was fetched and built."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(os.environ.get("GAON_CACHE") or os.path.join(home, "gaon"), "debian")


def _privileged():
    """What lets the command that follows have the users of a whole system."""
    return [] if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper"]


def make(name, suite, packages, build_for=None):
    """The path of a system of @suite with @packages and what they depend on; with the build dependencies of the
    source package in this tree under the profiles @build_for, if it is not None."""
    with open(os.path.join(TREE, "debian/control"), encoding="utf-8") as file:
        control = file.read()
    source = re.search(r"^Build-Depends:\n(?: .*\n)+", control, re.M)[0]
    key = hashlib.sha256(repr((LAYOUT, suite, sorted(packages), build_for,
                               source if build_for is not None else "")).encode()).hexdigest()[:12]
    path = os.path.join(cache(), f"{name}-{key}")
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), f"{name}.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(path):
            _bootstrap(path, suite, packages, build_for, control)
    return path


def _bootstrap(path, suite, packages, build_for, control):
    print(f"deb: making a clean Debian {suite}: once, kept in {path}", flush=True)
    work = path + ".new"
    subprocess.run([*_privileged(), "rm", "-rf", work], check=True)
    os.makedirs(work + ".tree/debian", exist_ok=True)
    with open(os.path.join(work + ".tree/debian/control"), "w", encoding="utf-8") as file:
        file.write(control)
    sources = subprocess.run(["sh", os.path.join(TREE, "tools/setup/mirror.sh"), *SUITES[suite]], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    with open(work + ".list", "w", encoding="utf-8") as file:
        file.write(sources)
    command = ["mmdebstrap", "--variant=apt", "--quiet", "--aptopt=APT::Install-Recommends \"false\"",
               "--aptopt=Acquire::Check-Valid-Until \"false\"", "--aptopt=Acquire::Languages \"none\"",
               "--dpkgopt=path-exclude=/usr/share/locale/*"]
    if os.geteuid():
        command.append("--mode=unshare")
    if packages:
        command.append(f"--include={','.join(packages)}")
    if build_for is not None:
        profiles = f"-P {','.join(build_for)} " if build_for else ""
        command += [f"--customize-hook=copy-in {work}.tree/debian /tmp",
                    f"--customize-hook=chroot \"$1\" apt-get -q -y {profiles}build-dep /tmp",
                    "--customize-hook=rm -rf \"$1/tmp/debian\""]
    done = subprocess.run([*command, suite, work, work + ".list"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    shutil.rmtree(work + ".tree")
    os.remove(work + ".list")
    if done.returncode:
        raise RootError(f"{done.stdout[-3000:]}deb: no Debian {suite} could be made; the lines above say why")
    os.rename(work, path)


def seen_at(path):
    """Where a directory of the host is in a root."""
    return os.path.join("/tmp", os.path.basename(path))


def inside(path, writable=(), readonly=(), chdir="/", env=None, change=False):
    """A command that runs what follows it in a root as root, without a network; the root itself is
    read-only unless it may @change, directories of the host are in /tmp."""
    command = [*_privileged(), "bwrap", "--bind" if change else "--ro-bind", path, "/", "--dev", "/dev", "--proc", "/proc",
               "--tmpfs", "/tmp", "--tmpfs", "/run", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv", "--cap-add", "ALL",
               "--setenv", "PATH", "/usr/sbin:/usr/bin:/sbin:/bin", "--setenv", "LC_ALL", "C.UTF-8",
               "--setenv", "HOME", "/root", "--setenv", "DEBIAN_FRONTEND", "noninteractive"]
    for name, value in (env or {}).items():
        command += ["--setenv", name, value]
    for source in readonly:
        command += ["--ro-bind", source, seen_at(source)]
    for source in writable:
        command += ["--bind", source, seen_at(source)]
    return [*command, "--chdir", chdir]
