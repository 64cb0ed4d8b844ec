# SPDX-License-Identifier: MIT
"""What a guest is made of: roots from the cache, modules built for its kernel, an initramfs."""
import dataclasses
import fcntl
import glob
import os
import shutil
import subprocess

from vm_plan import TREE

# What it takes to reach the host's directories; a kernel that has them built in says so in modules.builtin.
_EARLY = ("virtio_pci", "virtio_console", "virtio_blk", "9pnet_virtio", "9p", "overlay")
# What the tests need besides what gaon.ko asks for itself.
HELPERS = ("vgem", "udmabuf")
# The driver's own tests are built for the kernel that has KUnit.
KUNIT = ("CONFIG_DRM_ACCEL_GAON_KUNIT_TEST=m",)


class ImageError(Exception):
    """A part of the guest could not be made; the text says why and what to do."""


@dataclasses.dataclass
class Guest:
    """A guest that can be booted."""
    kernel: str         # "6.12", "7.3" or "debug"
    release: str        # what `uname -r` says in it
    root: str           # its user space
    host: str           # the root that QEMU runs in
    image: str          # the kernel
    headers: str        # where modules are built against it, below root or absolute
    modules: str        # its directory of modules
    out: str            # $O/vm/KERNEL
    initramfs: str = ""


def cache():
    """The directory outside the tree that keeps what was fetched and built."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.environ.get("GAON_CACHE") or os.path.join(home, "gaon")


def _printed_by(script, *arguments, trouble):
    """What a script of the tree prints, the path of what it makes if that is not there."""
    done = subprocess.run(["sh", os.path.join(TREE, script), *arguments], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise ImageError(f"{trouble}; the lines above say why")
    return done.stdout.strip()


def root(name):
    """The path of a root of tools/setup/roots; made if it is not there."""
    return _printed_by("tools/setup/root.sh", name, trouble=f"the root {name} could not be made")


def model():
    """The path of the language model; fetched if it is not there."""
    return _printed_by("tools/setup/model.sh", trouble="the language model could not be fetched")


def inside(root_path, binds=(), writable=(), extra=()):
    """A command that runs what follows it with root_path as its root directory, read-only, and paths of the host."""
    command = ["bwrap"]
    for name in ("usr", "etc", "var"):
        command += ["--ro-bind", os.path.join(root_path, name), f"/{name}"]
    for name in ("bin", "sbin", "lib", "lib64"):
        command += ["--symlink", f"usr/{name}", f"/{name}"]
    command += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
               "--die-with-parent", "--setenv", "LC_ALL", "C.UTF-8",
               "--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    for path in binds:
        command += ["--ro-bind", path, path]
    for path in writable:
        command += ["--bind", path, path]
    return [*command, *extra]


def _debug_kernel(more):
    return _printed_by("tests/vm/debug_kernel.sh", *more, trouble="the debugging kernel could not be built")


def guest(kernel, build, more=()):
    """Finds or makes all parts of a guest but its modules and its initramfs. @more: of debug, another file of options."""
    host = root("debian13")
    base = root("debian12") if kernel == "6.12" else host
    out = os.path.join(os.path.abspath(build), "vm", kernel)
    if kernel == "debug":
        made = _debug_kernel(more)
        with open(os.path.join(made, "release"), encoding="utf-8") as file:
            release = file.read().strip()
        return Guest(kernel, release, base, host, os.path.join(made, "bzImage"), os.path.join(made, "headers"),
                     os.path.join(made, "lib/modules", release), out)
    found = glob.glob(os.path.join(base, "lib/modules/*/kernel"))
    if len(found) != 1:
        raise ImageError(f"{base} has {len(found)} kernels, not one: remove it and run make vm-deps")
    modules = os.path.dirname(found[0])
    release = os.path.basename(modules)
    image = [path for path in (f"{base}/boot/vmlinuz-{release}", f"{modules}/vmlinuz") if os.path.exists(path)]
    if not image:
        raise ImageError(f"{base} has no kernel image: remove it and run make vm-deps")
    return Guest(kernel, release, base, host, image[0], f"/usr/src/linux-headers-{release}", modules, out)


class Lock:
    """Keeps others from making the same files at the same time."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        self.file = open(self.path, "w", encoding="utf-8")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


def _run(what, log, command):
    with open(log, "w", encoding="utf-8") as file:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        with open(log, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-25:])
        raise ImageError(f"{tail}{what} failed; the whole log: {log}")


def _copy_changed(source, target):
    """Copies a directory; what is the same keeps its time, so that only what changed is built anew."""
    wanted = set()
    for directory, _, names in os.walk(source):
        for name in names:
            path = os.path.join(directory, name)
            to = os.path.join(target, os.path.relpath(path, source))
            wanted.add(to)
            os.makedirs(os.path.dirname(to), exist_ok=True)
            with open(path, "rb") as file:
                content = file.read()
            if os.path.exists(to):
                with open(to, "rb") as file:
                    if file.read() == content:
                        continue
            with open(to, "wb") as file:
                file.write(content)
    return wanted


def build_module(image, source, name, flags=(), below="modules"):
    """Builds the module in the tree's directory @source for a guest's kernel, in the directory @below of its output;
    returns the paths of the .ko file and of the compiler's log."""
    target = os.path.join(image.out, below, name)
    log = os.path.join(image.out, f"{name}.{below}.log")
    os.makedirs(target, exist_ok=True)
    if os.path.exists(os.path.join(TREE, source, "sources.sh")):
        subprocess.run(["sh", os.path.join(TREE, source, "sources.sh"), target], check=True)
    else:
        _copy_changed(os.path.join(TREE, source), target)
    binds = [image.headers] if image.kernel == "debug" else []
    _run(f"building {name}.ko for Linux {image.release}", log,
         [*inside(image.root, binds, [target]), "--chdir", target, "make", "-C", image.headers, f"M={target}",
          f"-j{os.cpu_count()}", *flags, "modules"])
    return os.path.join(target, f"{name}.ko"), log


def prepare(image, build, with_driver=True, flags=()):
    """Builds the modules and the initramfs of a guest, and the layer of files that go over its root. @flags: for make, of
    the driver."""
    os.makedirs(image.out, exist_ok=True)
    with Lock(os.path.join(image.out, "lock")):
        layer = os.path.join(image.out, "layer")
        updates = os.path.join(layer, "usr/lib/modules", image.release, "updates")
        os.makedirs(updates, exist_ok=True)
        if not os.path.islink(os.path.join(layer, "lib")):
            os.symlink("usr/lib", os.path.join(layer, "lib"))
        if image.kernel == "debug":     # it is in no root
            _copy_changed(os.path.join(image.modules, "kernel"),
                          os.path.join(layer, "usr/lib/modules", image.release, "kernel"))
        built = [build_module(image, "tests/vm/module", "gaon_trouble")[0]]
        if with_driver and os.path.isdir(os.path.join(TREE, "driver")):
            built.append(build_module(image, "driver", "gaon", (*flags, *(KUNIT if image.kernel == "debug" else ())))[0])
            if image.kernel == "debug":
                built.append(os.path.join(os.path.dirname(built[-1]), "gaon_kunit.ko"))
        if _copy_all(built, updates):
            _run(f"depmod for Linux {image.release}", os.path.join(image.out, "depmod.log"), _depmod(image, layer))
        firmware = os.path.join(os.path.abspath(build), "firmware")
        for path in glob.glob(os.path.join(firmware, "*.bin")):
            os.makedirs(os.path.join(layer, "usr/lib/firmware/gaon"), exist_ok=True)
            shutil.copy2(path, os.path.join(layer, "usr/lib/firmware/gaon"))
        _copy_changed(os.path.join(TREE, "tests/vm/guest/layer"), layer)
        image.initramfs = _initramfs(image, build)


def _copy_all(paths, directory):
    changed = False
    for path in paths:
        to = os.path.join(directory, os.path.basename(path))
        if os.path.exists(to) and os.path.getmtime(to) >= os.path.getmtime(path):
            continue
        shutil.copyfile(path, to)
        changed = True
    return changed


def _depmod(image, layer):
    """depmod over the kernel's modules and the new ones together; its indexes go into the layer."""
    directory = f"usr/lib/modules/{image.release}"
    view = ["--tmpfs", "/usr/lib/modules"]
    for name in ("kernel", "modules.order", "modules.builtin", "modules.builtin.modinfo"):
        if os.path.exists(os.path.join(image.modules, name)):
            view += ["--ro-bind", os.path.join(image.modules, name), f"/{directory}/{name}"]
    view += ["--ro-bind", f"{layer}/{directory}/updates", f"/{directory}/updates"]
    # kmod's of Debian 12 cannot write its result elsewhere.
    return [*inside(image.host, [], [layer], view), "depmod", "-o", layer, "-b", "/", image.release]


def _early_modules(image):
    """Paths of what must be loaded from the initramfs, in order."""
    done = subprocess.run([*inside(image.root), "modprobe", "-S", image.release, "--show-depends", "-a", *_EARLY],
                          stdout=subprocess.PIPE, text=True, check=True)
    paths = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("insmod")]
    return list(dict.fromkeys(paths))


def shares(build):
    """The host's directories that a guest sees at the same path: {tag: path}."""
    build = os.path.abspath(build)
    found = {"tree": TREE}
    if os.path.commonpath([TREE, build]) != TREE:
        found["build"] = build
    return found


def _initramfs(image, build):
    stage = os.path.join(image.out, "initramfs")
    shutil.rmtree(stage, ignore_errors=True)
    for directory in ("bin", "modules", "proc", "sys", "dev", "lower", "layer", "upper", "new", "ram"):
        os.makedirs(os.path.join(stage, directory))
    shutil.copy2(os.path.join(image.root, "usr/bin/busybox"), os.path.join(stage, "bin/busybox"))
    shutil.copy2(os.path.join(TREE, "tests/vm/guest/init"), os.path.join(stage, "init"))
    os.chmod(os.path.join(stage, "init"), 0o755)
    if image.kernel != "debug":
        for number, path in enumerate(_early_modules(image)):
            to = os.path.join(stage, "modules", f"{number:02}-{os.path.basename(path).removesuffix('.xz')}")
            with open(to, "wb") as file:
                subprocess.run(["xz", "-dc", image.root + path] if path.endswith(".xz") else ["cat", image.root + path],
                               stdout=file, check=True)
    with open(os.path.join(stage, "shares"), "w", encoding="utf-8") as file:
        file.writelines(f"{tag} {path}\n" for tag, path in shares(build).items())
    with open(os.path.join(stage, "agent"), "w", encoding="utf-8") as file:
        file.write(os.path.join(os.path.abspath(build), "tests/vm/gaon-agent"))
    result = os.path.join(image.out, "initramfs.cpio")
    _run("packing the initramfs", os.path.join(image.out, "cpio.log"),
         [*inside(image.root, [], [image.out]), "--chdir", stage, "sh", "-c",
          f"find . | busybox cpio -o -H newc >{result}.new && mv {result}.new {result}"])
    return result
