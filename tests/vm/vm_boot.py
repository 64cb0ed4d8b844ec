# SPDX-License-Identifier: MIT
"""One guest: the device models, QEMU, the talk with the guest's agent, and the console."""
import json
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

import vm_accel
import vm_image
from vm_log import KernelLog

BOOT_SECONDS = {"debug": 900}       # until the agent answers; others 180; 7 (debug: 30) on an idle machine
HUNG_SECONDS = {"debug": 180}       # a test of KUnit's takes half a minute there, and what waits for it longer
GRACE_SECONDS = 25          # for the agent to say that a test is late and to clear up after it
# Four levels of page tables: identify_cpu() of 7.3 clears for a moment what says that there are five, KASAN then knows
# no address of memory, and an interrupt that comes in that moment never ends reporting. On a busy machine one comes.
_DEBUG = ("no5lvl", "kunit.enable=1", "kunit.autorun=1")
# Bits of /proc/sys/kernel/tainted that no test may set: bad page, died, warning, soft lockup.
_BAD_TAINT = 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14


class BootError(Exception):
    """The guest did not start."""


class Dead(Exception):
    """The guest answers no more."""


class Machine:
    """A running guest with its device models."""

    def __init__(self, image, shape, build, name, shell=False, words=None):
        self.image, self.shape, self.shell = image, shape, shell
        self.words = words or {}        # more for the shell's environment
        self.build = os.path.abspath(build)
        self.log = KernelLog()
        self.base = os.path.join(image.out, name)
        self.console_path = f"{self.base}.console.log"
        self._sockets = tempfile.mkdtemp(prefix="gaon-vm-")
        self._disk = os.path.join(self._sockets, "disk")
        self._models = []
        self._qemu = None
        self._hibernates = False
        self._ports = 0
        self._buffer = b""
        self._taint = 0
        if shape.ram:
            with open(self._disk, "wb") as disk:
                disk.truncate(2 * shape.memory << 20)
        try:
            self._start_models()
            self._start_qemu()
        except BaseException:
            self.stop()
            raise

    def _nv(self, number):
        """The option for what a model has kept while it was off: struct nv_file of tools/sim/dev/ras.c."""
        pages = self.shape.retired
        if not pages:
            return []
        path = os.path.join(self._sockets, f"nv{number}")
        if os.path.exists(path):        # it was off
            return ["--nv", path]
        with open(path, "wb") as file:
            file.write(struct.pack("<III64Q", 0, len(pages), 0, *pages, *[0] * (64 - len(pages))))
        return ["--nv", path]

    def _start_models(self, again=False):
        if self.shape.torus:
            more = [word for number in range(1, len(self.shape.devices)) for word in ("--vfio-user", self._socket(number))]
            self._start_model(0, shlex.join([*more, *shlex.split(f"{self.shape.torus} {self.shape.devices[0]}")]), again)
            return
        for number, options in enumerate(self.shape.devices):
            self._start_model(number, options, again)

    def _socket(self, number):
        return os.path.join(self._sockets, f"gaon{number}")

    def _start_model(self, number, options, again=False):
        path = self._socket(number)
        command = [os.path.join(self.build, "bin/gaon-sim"), "--vfio-user", path, "--serial", str(number + 1), *self._nv(number),
                   *shlex.split(options)]
        log_path = f"{self.base}.model{number}.log"
        with open(log_path, "a" if again else "w", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(command)}\n")
            log.flush()
            model = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        self._models.append(model)
        until = time.monotonic() + 60
        while not os.path.exists(path):
            if model.poll() is not None or time.monotonic() > until:
                with open(log_path, encoding="utf-8", errors="replace") as log:
                    raise BootError(f"the device model does not serve: {shlex.join(command)}\n{log.read()[-2000:]}")
            time.sleep(0.02)

    def obey(self, line):
        """What a test says to the host; it waits for the effect itself:

          host: lose N        card N is pulled out of its slot; QEMU does not outlive a model that ends
          host: come N BUS    a card like the first one comes to the empty port BUS; N: how many there were before
          host: hibernate     the guest will switch the machine off, which is then switched on, its cards too
        """
        word, number, *bus = [*line.split()[1:], ""]
        if word == "hibernate":
            self._hibernates = True
        elif word == "lose":
            self._models[int(number)].send_signal(signal.SIGUSR1)
        else:
            self._start_model(int(number), self.shape.devices[0])
            self._tell_qemu("device_add", **self._device(int(number)), bus=bus[0])

    def _device(self, number):
        return {"driver": "vfio-user-pci", "id": f"gaon{number}",
                "socket": {"type": "unix", "path": self._socket(number)}}

    def _command(self, fds, again):
        image, shape = self.image, self.shape
        shown = {"root": image.root, "layer": os.path.join(image.out, "layer"), **vm_image.shares(self.build)}
        if shape.llama:         # tests mount them themselves: others need neither
            shown.update(llama=vm_image.root("llama"), models=os.path.dirname(vm_image.model()))
        append = ["console=ttyS0", "oops=panic", "panic=-1", "sysrq_always_enabled", "unknown_nmi_panic",
                  "loglevel=8", "kasan_multi_shot", "no_timer_check", "printk.devkmsg=on",
                  f"sysctl.kernel.hung_task_timeout_secs={HUNG_SECONDS.get(image.kernel, 60)}",
                  *(_DEBUG if image.kernel == "debug" else ()), shape.append, *self._environment()]
        command = [
            *vm_image.inside(image.host, [*shown.values(), image.image], [self._sockets, image.out]),
            "--dev-bind-try", "/dev/kvm", "/dev/kvm", "qemu-system-x86_64",
            *vm_accel.arguments(image), "-smp", "2", "-m", str(shape.memory),
            "-object", f"memory-backend-{'memfd,share=on' if shape.shared else 'ram'},id=ram,size={shape.memory}M",
            "-nodefaults", "-no-user-config", "-display", "none", "-vga", "none", "-no-reboot",
            "-kernel", image.image, "-initrd", image.initramfs, "-append", " ".join(append),
            "-chardev", f"socket,id=console,fd={fds['console']},logfile={self.console_path},logappend={'on' if again else 'off'}",
            "-serial", "chardev:console",
            "-chardev", f"socket,id=monitor,fd={fds['monitor']}",
            "-object", "monitor-qmp,id=qmp,chardev=monitor",
            *self._virtio("virtio-rng-pci"), *self._virtio("virtio-serial-pci"),
            *shlex.split(shape.qemu)]
        if self.shell:
            command += ["-chardev", "stdio,id=terminal,signal=off", "-device", "virtconsole,chardev=terminal"]
        else:
            command += ["-chardev", f"socket,id=agent,fd={fds['agent']}"]
            command += (["-serial", "chardev:agent"] if shape.ram else
                        ["-device", "virtserialport,chardev=agent,name=org.gaon.agent"])
        if shape.ram:
            command += ["-blockdev", f"driver=file,node-name=disk,filename={self._disk}",
                        "-device", "virtio-blk-pci,drive=disk"]
        for tag, path in shown.items():
            command += ["-fsdev", f"local,id={tag},path={path},security_model=none,readonly=on,multidevs=remap",
                        *self._virtio("virtio-9p-pci", f"fsdev={tag},mount_tag={tag}")]
        for number in range(len(shape.devices)):
            device = json.loads(shape.device.replace("NUMBER", str(number)) or "{}")
            command += ["-device", json.dumps({**self._device(number), **device})]
        return command

    def _virtio(self, device, properties=""):
        """QEMU's arguments for a device. Neither Linux' 9p nor the agent's port survive that theirs is reset over a
        sleep of the guest: one that is below a port can do without."""
        if not self.shape.sleeps:
            return ["-device", ",".join(filter(None, [device, properties]))]
        self._ports += 1
        port = f"port{self._ports}"
        return ["-device", f"pcie-root-port,id={port},chassis={self._ports}",
                "-device", ",".join(filter(None, [f"{device},bus={port},x-pcie-pm-no-soft-reset=on", properties]))]

    def _environment(self):
        """Kernel arguments that the kernel hands to the first process as its environment."""
        if not self.shell:
            return ["gaon_mode=agent", *([f'"gaon_ram={" ".join(self._in_ram())}"'] if self.shape.ram else [])]
        size = shutil.get_terminal_size()
        words = {"gaon_mode": "shell", "O": self.build, "TREE": vm_image.TREE, "TERM": os.environ.get("TERM", "linux"),
                 "LINES": size.lines, "COLUMNS": size.columns, "gaon_shape": self.shape.name}
        words.update(self.words)
        if self.shape.llama:
            words["GAON_LLM"] = vm_image.model()
        if self.shape.module is not None:
            words["gaon_module"] = f"gaon {self.shape.module}".strip()
        return [f'"{name}={value}"' if " " in str(value) else f"{name}={value}" for name, value in words.items()]

    def _in_ram(self):
        """What a guest that has nothing else needs: its programs, and what looks for leaks, or reads counters, at the end."""
        programs = [program.replace("$O", self.build) for program in self.shape.ram]
        if self.image.kernel == "debug":
            programs += [*(os.path.join(vm_image.TREE, "tests/vm/guest", name) for name in ("leaks.sh", "gcov.sh")),
                         *(f"/usr/bin/{name}" for name in ("awk", "base64", "basename", "cat", "find", "gzip", "head", "mktemp",
                                                           "rm", "sleep", "tar"))]
        return programs

    def _start_qemu(self, again=False):
        ours, theirs = {}, {}
        for name in ("console", "monitor") + (() if self.shell else ("agent",)):
            ours[name], theirs[name] = socket.socketpair()
        self._console, self._monitor, self._agent = ours["console"], ours["monitor"], ours.get("agent")
        fds = {name: end.fileno() for name, end in theirs.items()}
        command = self._command(fds, again)
        with open(f"{self.base}.qemu.log", "a" if again else "w", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(command)}\n")
            log.flush()
            self._qemu = subprocess.Popen(command, pass_fds=tuple(fds.values()),
                                          stdin=None if self.shell else subprocess.DEVNULL,
                                          stdout=None if self.shell else log, stderr=log,
                                          start_new_session=not self.shell)
        for end in theirs.values():
            end.close()
        self._monitor.sendall(b'{"execute":"qmp_capabilities"}\n')
        self._reader = threading.Thread(target=self._follow_console, daemon=True)
        self._reader.start()

    def _follow_console(self):
        rest = b""
        while True:
            try:
                data = self._console.recv(65536)
            except OSError:
                data = b""
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self.log.feed(line.decode(errors="replace").rstrip("\r"))

    def _line(self, until):
        """The agent's next line; raises Dead at @until, or if the guest has ended."""
        while b"\n" not in self._buffer:
            self._agent.settimeout(max(0.01, until - time.monotonic()))
            try:
                data = self._agent.recv(65536)
            except TimeoutError:
                raise Dead("the guest did not answer in time") from None
            except OSError:
                data = b""
            if data:
                self._buffer += data
            elif self._hibernates:
                self._switch_on()
            else:
                raise Dead("the guest ended")
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")

    def _switch_on(self):
        """The guest has switched the machine off: its cards have lost their power, and what was in them."""
        self._hibernates = False
        self._qemu.wait(GRACE_SECONDS)
        self._reader.join(GRACE_SECONDS)
        models, self._models = self._models, []
        for number, model in enumerate(models):
            model.terminate()
            model.wait(GRACE_SECONDS)
            path = os.path.join(self._sockets, f"gaon{number}")
            if os.path.exists(path):
                os.unlink(path)
        self._start_models(again=True)
        self._start_qemu(again=True)

    def wait_ready(self):
        """Waits for the agent."""
        try:
            until = time.monotonic() + BOOT_SECONDS.get(self.image.kernel, 180)
            while self._line(until) != "ready":
                pass
        except Dead as dead:
            with open(self.console_path, encoding="utf-8", errors="replace") as log:
                tail = "".join(log.readlines()[-30:])
            with open(f"{self.base}.qemu.log", encoding="utf-8", errors="replace") as log:
                said = "".join(log.readlines()[1:][-10:])
            raise BootError(f"the guest did not start ({dead}); its console, {self.console_path}, ends:\n{tail}"
                            f"QEMU said: {said or 'nothing'}") from dead

    def say(self, text):
        """Writes a line into the guest's kernel log."""
        self._agent.sendall(f"say {text}\n".encode())
        while self._line(time.monotonic() + GRACE_SECONDS) != "said":
            pass

    def run(self, number, command, seconds, user=0, on_line=None, restarts=False):
        """Runs a command, which @restarts the guest or ends. Returns (result, troubles): what the agent said at its
        end, and {kind: text}."""
        result = {}
        try:
            self.say(f"begin {number}")
            self._agent.sendall(f"run {seconds} {user} {vm_image.TREE} {command}\n".encode())
            until = time.monotonic() + seconds + GRACE_SECONDS
            while not result:
                line = self._line(until)
                if line.startswith("out host: "):
                    self.obey(line[4:])
                elif line.startswith("out ") and on_line:
                    on_line(line[4:])
                elif line.startswith("end "):
                    result = dict(re.findall(r"(\w+)=(\S+)", line))
                    if restarts and result.get("status") == "0":
                        result["status"] = "0, but the guest did not restart"
                elif line == "ready" and restarts:
                    result = {"status": "0"}
                    self._taint = 0
            if result.get("stuck", "0") != "0":
                raise Dead(f"{result['stuck']} processes do not die of SIGKILL")
            self.say(f"end {number}")
            until = time.monotonic() + GRACE_SECONDS
            while number not in self.log.ended and time.monotonic() < until:
                time.sleep(0.01)
        except Dead as dead:
            if self._qemu.poll() is None and str(dead) != "the guest ended":
                self.dump()
            troubles = self.log.of(number)
            troubles["dead"] = str(dead)
            if result.get("late") == "1":
                troubles["late"] = f"still running after {seconds} s"
            return result, troubles
        troubles = self.log.of(number)
        if result.get("late") == "1":
            troubles["late"] = f"still running after {seconds} s"
        elif result.get("status") != "0":
            killer = result.get("signal", "0")
            troubles["exit"] = f"killed by signal {killer}" if killer != "0" else f"exit status {result.get('status')}"
        taint = int(result.get("tainted") or 0) & _BAD_TAINT
        if taint & ~self._taint and not self.log.of(number):
            troubles["warning"] = f"/proc/sys/kernel/tainted is {result['tainted']} now"
        self._taint |= taint
        return result, troubles

    def dump(self):
        """Lets the kernel print what its processors and its waiting tasks do: a break on the serial line, then a key.
        A kernel that does not heed it gets a non-maskable interrupt, of which it dies with a trace."""
        before = self._console_settled()
        for key in b"lwd":
            self._tell_qemu("chardev-send-break", id="console")
            time.sleep(0.3)
            try:
                self._console.sendall(bytes([key]))
            except OSError:
                return
            time.sleep(1)
        if self._console_settled() == before:
            self._tell_qemu("inject-nmi")
            time.sleep(1)
            self._console_settled()

    def _console_settled(self):
        """The length of the console's log when nothing has come for a second."""
        size = -1
        while size != os.path.getsize(self.console_path):
            size = os.path.getsize(self.console_path)
            time.sleep(1)
        return size

    def _tell_qemu(self, command, **arguments):
        try:
            self._monitor.sendall(json.dumps({"execute": command, "arguments": arguments}).encode() + b"\n")
        except OSError:
            pass            # it has ended

    def wait(self):
        """Waits until QEMU has ended."""
        return self._qemu.wait()

    def stop(self):
        """Ends the guest and its models."""
        try:
            if self._qemu and self._qemu.poll() is None and self._agent:
                self._agent.sendall(b"off\n")
                self._qemu.wait(20)
        except (OSError, subprocess.TimeoutExpired):
            pass
        if self._qemu and self._qemu.poll() is None:
            self._qemu.kill()
            self._qemu.wait()
        for model in self._models:
            model.terminate()
            try:
                model.wait(10)
            except subprocess.TimeoutExpired:
                model.kill()
                model.wait()
        shutil.rmtree(self._sockets, ignore_errors=True)
