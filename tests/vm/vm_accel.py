# SPDX-License-Identifier: MIT
"""How the guest's processors run: by KVM where a kernel really boots with it, else by emulation."""
import os
import subprocess
import time

import vm_image

_MACHINE = "q35,memory-backend=ram"
_TCG = ["-accel", "tcg,thread=multi", "-cpu", "max", "-M", _MACHINE]
# A clock of instructions: so many make so many nanoseconds, whatever the host does meanwhile.
_ICOUNT = ["-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max", "-M", _MACHINE]
# Interrupt remapping by an emulated IOMMU wants the split interrupt controller.
_KVM = ["-accel", "kvm", "-cpu", "host", "-M", f"{_MACHINE},kernel-irqchip=split"]
_PROBE_SECONDS = 20


def arguments(image):
    """QEMU's arguments. GAON_VM_ACCEL=kvm or tcg decides; without it a machine with /dev/kvm is tried once per boot."""
    wanted = os.environ.get("GAON_VM_ACCEL", "")
    if wanted not in ("", "kvm", "tcg", "icount"):
        raise vm_image.ImageError(f"GAON_VM_ACCEL={wanted}: kvm, tcg or icount")
    if not wanted:
        wanted = "kvm" if os.access("/dev/kvm", os.R_OK | os.W_OK) and _kvm_works(image) else "tcg"
    return {"kvm": _KVM, "icount": _ICOUNT}.get(wanted, _TCG)


def _kvm_works(image):
    """A node may be there and a kernel not run: virtual machines in virtual machines often are like that."""
    with open("/proc/sys/kernel/random/boot_id", encoding="utf-8") as file:
        boot = file.read().strip()
    path = os.path.join(vm_image.cache(), f"kvm-{boot}")
    with vm_image.Lock(path + ".lock"):
        if not os.path.exists(path):
            works = _probe(image)
            with open(path + ".new", "w", encoding="utf-8") as file:
                file.write("yes" if works else "no")
            os.rename(path + ".new", path)
    with open(path, encoding="utf-8") as file:
        return file.read() == "yes"


def _probe(image):
    """Boots a kernel without anything that it could start."""
    command = [*vm_image.inside(image.host, [image.image]), "--dev-bind", "/dev/kvm", "/dev/kvm", "qemu-system-x86_64",
               *_KVM, "-m", "512", "-object", "memory-backend-memfd,id=ram,size=512M,share=on", "-nodefaults",
               "-no-user-config", "-display", "none", "-no-reboot", "-kernel", image.image,
               "-append", "console=ttyS0 panic=-1 rdinit=/none", "-serial", "stdio"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as qemu:
        os.set_blocking(qemu.stdout.fileno(), False)
        said, until = b"", time.monotonic() + _PROBE_SECONDS
        while time.monotonic() < until and qemu.poll() is None and b"KVM internal error" not in said:
            said += qemu.stdout.read() or b""
            time.sleep(0.1)
        said += qemu.stdout.read() or b""
        qemu.kill()
    return b"Kernel panic - not syncing: " in said and b"internal error" not in said
