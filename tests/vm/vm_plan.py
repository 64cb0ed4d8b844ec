# SPDX-License-Identifier: MIT
"""What there is to run: the shapes of a guest and the tests, read from list/*.toml.

Documentation/vm/index.rst says what each key means.
"""
import dataclasses
import fnmatch
import glob
import os
import tomllib

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNELS = ("6.12", "7.3", "debug")
# What a test may be expected to do wrong: see vm_log.py, and for the last four vm_boot.py.
TROUBLES = ("warning", "bug", "oops", "lockup", "lockdep", "atomic", "kasan", "ubsan", "leak", "stall", "memory", "dma-held", "pciehp",
            "exit", "tap", "late", "dead")


class PlanError(Exception):
    """A mistake in a list, said so that its writer finds it."""


@dataclasses.dataclass(frozen=True)
class Shape:
    """One kind of guest: its devices, kernel arguments and module parameters."""
    name: str
    devices: tuple = ()         # options of gaon-sim, one string per device
    module: str | None = None   # parameters of gaon.ko; None: it is not loaded
    append: str = ""            # more arguments for the kernel
    qemu: str = ""              # more arguments for QEMU
    device: str = ""            # more properties of each vfio-user-pci, a JSON object; NUMBER: which it is
    memory: int = 1024          # MiB
    llama: bool = False         # llama.cpp's root and the language model are there: tests/vm/guest/llama.sh
    torus: str = ""             # more options of the gaon-sim that has all devices, which take the first one's options
    retired: tuple = ()         # pages of HBM that each card has retired in an earlier life: offsets
    shared: bool = True         # False: the model reaches the guest's memory by messages only
    sleeps: bool = False        # the guest's root survives system sleep
    ram: tuple = ()             # programs: the guest's root is in its memory and holds no others; it has a disk to hibernate to
    once: str = ""              # `make check` has it with this kernel only; "none": with none


@dataclasses.dataclass(frozen=True)
class Test:
    """One command in a guest."""
    name: str
    run: str
    shape: str
    kernels: tuple = KERNELS
    timeout: int = 60
    minutes: int = 0            # it goes on for so long, or for $GAON_MINUTES, which comes on top of its timeout
    user: int = 0
    expect: tuple = ()          # troubles that must be noticed
    allow: tuple = ()           # troubles that may be
    last: bool = False          # nothing runs after it in the same boot
    restarts: bool = False      # its end is that the guest's agent starts anew
    once: str = ""              # as for shapes
    long: bool = False          # not in `make check`, which has the like of it elsewhere
    named: bool = False         # so long that it runs only when it is asked for by its whole name


def _read(build):
    """All shapes and tests; without a build only the shapes."""
    shapes, tests = {}, []
    fields = {field.name for field in dataclasses.fields(Test)} - {"shape"}
    for path in sorted(glob.glob(os.path.join(TREE, "tests", "vm", "list", "*.toml"))):
        where = os.path.relpath(path, TREE)
        try:
            with open(path, "rb") as file:
                content = tomllib.load(file)
        except tomllib.TOMLDecodeError as error:
            raise PlanError(f"{where}: {error}") from error
        for name, keys in content.pop("shape", {}).items():
            try:
                for key in ("devices", "retired"):
                    keys[key] = tuple(keys.get(key, ()))
                shapes[name] = Shape(name=name, **keys)
            except TypeError as error:
                raise PlanError(f"{where}: shape {name}: {error}") from error
            _check_once(f"{where}: shape {name}", shapes[name].once)
        for keys in content.pop("test", []):
            if not build:
                continue
            tests += [(where, test) for test in _expand(where, keys, fields, build)]
        if content:
            raise PlanError(f"{where}: no such section: {', '.join(content)}")
    for where, test in tests:
        if test.shape not in shapes:
            raise PlanError(f"{where}: test {test.name}: no shape {test.shape}")
    return shapes, [test for _, test in tests]


def _check_once(what, once):
    if once not in ("", "none", *KERNELS):
        raise PlanError(f"{what}: once: {once}: not one of none, {', '.join(KERNELS)}")


def _expand(where, keys, fields, build):
    """One entry of a list as Tests: one per shape, and per program that `programs` matches."""
    keys = dict(keys)
    wanted = keys.pop("shapes", ["plain"])
    pattern = keys.pop("programs", None)
    arguments = keys.pop("args", "")
    if (pattern is None) == ("run" not in keys):
        raise PlanError(f"{where}: a test has either `run` or `programs`: {keys}")
    unknown = set(keys) - fields
    if unknown:
        raise PlanError(f"{where}: test {keys.get('name', pattern)}: no such key: {', '.join(sorted(unknown))}")
    _check_once(f"{where}: test {keys.get('name', pattern)}", keys.get("once", ""))
    for key in ("kernels", "expect", "allow"):
        if key in keys:
            keys[key] = tuple(keys[key])
    for value, allowed in ((keys.get("kernels", ()), KERNELS), (keys.get("expect", ()), TROUBLES),
                           (keys.get("allow", ()), TROUBLES)):
        for word in value:
            if word not in allowed:
                raise PlanError(f"{where}: {word}: not one of {', '.join(allowed)}")
    if "\n" in keys.get("run", "").strip():
        raise PlanError(f"{where}: test {keys.get('name')}: `run` is one line: put more into a script")
    if pattern is None:
        if "name" not in keys:
            raise PlanError(f"{where}: a test without a name: {keys}")
        return [Test(shape=shape, **keys) for shape in wanted]
    programs = sorted(path for path in glob.glob(os.path.join(build, pattern))
                      if os.access(path, os.X_OK) and os.path.isfile(path))
    if not programs:
        raise PlanError(f"{where}: nothing matches {os.path.join(build, pattern)}: build it first (make vm-programs)")
    return [Test(name=os.path.relpath(path, os.path.join(build, "tests")), run=f"{path} {arguments}".strip(),
                 shape=shape, **keys)
            for path in programs for shape in wanted]


def boots(build, kernels, pattern="", shape="", short=False):
    """The boots that run all tests whose name contains @pattern, or one of several patterns with commas between them: a
    list of (kernel, Shape, [Test]). If @short, without those that another kernel has once for all."""
    shapes, tests = _read(os.path.abspath(build))
    patterns = pattern.split(",")
    plan = []
    for kernel in kernels:
        for name, kind in shapes.items():
            if shape and name != shape or short and kind.once not in ("", kernel):
                continue
            chosen = [test for test in tests if test.shape == name and kernel in test.kernels and
                      not (short and (test.long or test.once not in ("", kernel))) and
                      (test.name == pattern if test.named else
                       any(fnmatch.fnmatch(test.name, f"*{one}*") for one in patterns))]
            if chosen:
                plan.append((kernel, kind, chosen))
    return plan


def shape(name):
    """The shape of that name."""
    shapes, _ = _read(None)
    if name not in shapes:
        raise PlanError(f"no shape {name}; there are: {', '.join(shapes)}")
    return shapes[name]
