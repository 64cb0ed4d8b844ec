# SPDX-License-Identifier: MIT
"""driver/Kconfig in the kernel's own tree, below drivers/accel: it is taken without a complaint, and brings with it
all that the module links against, where nothing else of the kernel is asked for."""
import glob
import os
import shutil
import subprocess

import vm_image
from vm_plan import TREE

# What a user says, on top of allnoconfig.
_ASKED = "64BIT=y PCI=y MODULES=y DRM=m DRM_ACCEL=y DRM_ACCEL_GAON=m"
# The option behind each module that gaon.ko depends on.
_OPTIONS = {"drm": "DRM", "drm_exec": "DRM_EXEC", "drm_gpuvm": "DRM_GPUVM", "gpu-sched": "DRM_SCHED", "ttm": "DRM_TTM"}
# And those of what is never a module.
_BUILT_IN = ("FW_LOADER", "GPU_BUDDY", "HMM_MIRROR", "MMU_NOTIFIER")
_PARTS = ["*/Kconfig*", "*/scripts/*", "*/Makefile", "*/arch/x86/*Makefile*"]


def _tree(work):
    """Unpacks what configuring the kernel takes, with the driver's Kconfig in its place."""
    tar = glob.glob(os.path.join(vm_image.root("linux-source"), "usr/src/linux-source-*.tar.xz"))[0]
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    subprocess.run(["tar", "-x", "-f", tar, "-C", work, "--strip-components=1", "--wildcards", *_PARTS], check=True)
    accel = os.path.join(work, "drivers/accel")
    os.makedirs(os.path.join(accel, "gaon"))
    shutil.copy(os.path.join(TREE, "driver/Kconfig"), os.path.join(accel, "gaon"))
    with open(os.path.join(accel, "Kconfig"), encoding="utf-8") as file:
        text = file.read()
    head, mark, tail = text.partition('source "drivers/accel/habanalabs/Kconfig"')
    with open(os.path.join(accel, "Kconfig"), "w", encoding="utf-8") as file:
        file.write(f'{head}source "drivers/accel/gaon/Kconfig"\n{mark}{tail}')
    with open(os.path.join(work, "asked"), "w", encoding="utf-8") as file:
        file.write("".join(f"CONFIG_{option}\n" for option in _ASKED.split()))


def findings(image):
    """What is wrong, as lines; @image: a guest of the same kernel, for which the module is built."""
    work = os.path.join(image.out, "kconfig")
    _tree(work)
    done = subprocess.run([*vm_image.inside(vm_image.root("linux-source"), writable=[work]), "--chdir", work, "make",
                           "-s", "ARCH=x86_64", "KCONFIG_ALLCONFIG=asked", "allnoconfig"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    out = [line for line in done.stdout.splitlines() if line.strip()]
    if done.returncode:
        return out + [f"make allnoconfig: exit status {done.returncode}"]
    with open(os.path.join(work, ".config"), encoding="utf-8") as file:
        config = dict(line.strip()[len("CONFIG_"):].split("=", 1) for line in file if line.startswith("CONFIG_"))
    module = glob.glob(os.path.join(image.out, "layer/usr/lib/modules/*/updates/gaon.ko"))[0]
    told = subprocess.run([*vm_image.inside(image.root, [os.path.dirname(module)]), "modinfo", "-F", "depends", module],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    wanted = dict(item.split("=") for item in _ASKED.split())
    for name in told.strip().split(","):
        if name not in _OPTIONS:
            out.append(f"gaon.ko depends on {name}: no option of Kconfig is known for it")
        wanted[_OPTIONS.get(name, "DRM")] = "m"
    wanted |= {option: "y" for option in _BUILT_IN}
    out += [f"{option} is {config.get(option, 'n')}, not {value}" for option, value in wanted.items()
            if config.get(option, "n") != value]
    shutil.rmtree(work)
    return out
