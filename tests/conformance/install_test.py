#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `make install` installs is complete: the README's first program is taken out of the README, compiled
against the installed headers, library and gaoncc alone, and run; so are the installed commands."""
import os
import re
import subprocess
import sys
import tempfile

from recorded_run import TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]


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
                     "lib/libgaonops.so", "lib/gaon/prof.so", "lib/gaon/record.so", "lib/gaon/debug.so", "lib/libgaon.a", "lib/libggml-gaon.so", "include/gaon/gaon.h", "include/gaon/device.h",
                     "include/gaon/ops.h", "include/gaon/tensor.h", "include/gaon/products.h", "include/gaon/device/tensor.h",
                     "include/gaon/hw/gaon_packet.h", "include/gaon/uapi/drm/gaon_accel.h", "lib/pkgconfig/gaon.pc", "lib/pkgconfig/gaonops.pc",
                     "share/bash-completion/completions/gaon-sim", "share/zsh/site-functions/_gaon",
                     "share/fish/vendor_completions.d/gaon.fish", "share/man/man3/gaon_device_open.3",
                     "lib/firmware/gaon/ga1.bin", "lib/libgaon.so.0", "share/man/man1/gaon.1",
                     "share/man/man1/gaoncc.1", "share/man/man1/gaon-sim.1", "share/man/man1/gaon-demo-digits.1",
                     "share/gaon/schema/info.json", "share/gaon/grafana/gaon.json", "share/gaon/schema/demo-digits.json"):
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
        # Below /usr its headers lie beside the host's, which a kernel must not get.
        host_header = os.path.join(usr, "include/stdint.h")
        with open(host_header, "w", encoding="utf-8") as file:
            file.write("#error the host's header\n")
        done = run([f"{usr}/bin/gaoncc", "-O3", "saxpy.c", "-o", "saxpy.elf"], work)
        report("installed gaoncc compiles the kernel", done.returncode == 0, done.stdout)
        os.remove(host_header)
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
        cmake(usr, work, san)
        completions(usr)
        pages(usr)
        plugin(usr, san)
    return finish()


def cmake(usr, work, san):
    """The same program by the CMake package, device part included."""
    with open(os.path.join(work, "CMakeLists.txt"), "w", encoding="utf-8") as file:
        file.write("cmake_minimum_required(VERSION 3.18)\nproject(first C)\nfind_package(gaon 0.1 REQUIRED)\n"
                   "add_executable(first main.c)\ntarget_link_libraries(first gaon::gaonops)\n"
                   "gaon_add_module(kernels saxpy.elf saxpy.c)\n")
    flags = [f"-DCMAKE_C_FLAGS=-fsanitize={san}"] if san else []
    # `make install` is given the version "test" here, which no number is a part of.
    with open(f"{usr}/lib/cmake/gaon/gaonConfigVersion.cmake", encoding="utf-8") as file:
        version = file.read().replace('"test"', '"0.1.0"')
    with open(f"{usr}/lib/cmake/gaon/gaonConfigVersion.cmake", "w", encoding="utf-8") as file:
        file.write(version)
    for wanted, good in (("0.1", True), ("0.2", False), ("0.0.9", False)):
        with open(os.path.join(work, "want.cmake"), "w", encoding="utf-8") as file:
            file.write(f"set(PACKAGE_FIND_VERSION {wanted})\ninclude({usr}/lib/cmake/gaon/gaonConfigVersion.cmake)\n"
                       "if(NOT PACKAGE_VERSION_COMPATIBLE)\nmessage(FATAL_ERROR no)\nendif()\n")
        done = run(["/usr/bin/cmake", "-P", "want.cmake"], work)
        report(f"CMake {'takes' if good else 'refuses'} 0.1.0 where {wanted} is wanted", (done.returncode == 0) == good,
               done.stdout)
    done = run(["/usr/bin/cmake", "-S", ".", "-B", "cmake", "-DCMAKE_C_COMPILER=clang-22",
                f"-DCMAKE_PREFIX_PATH={usr}", *flags], work)
    report("CMake finds the package", done.returncode == 0, done.stdout)
    done = run(["/usr/bin/cmake", "--build", "cmake"], work)
    report("CMake builds program and device program", done.returncode == 0, done.stdout)
    done = run(["./first"], os.path.join(work, "cmake"))
    report("which compute the same", done.returncode == 0 and "y[999] = 1999" in done.stdout,
           f"exit {done.returncode}: {done.stdout}")


def completions(usr):
    """Bash completes by the installed file, and offers what the installed command has."""
    script = os.path.join(usr, "share/bash-completion/completions/gaon")

    def offered(*words):
        done = run(["bash", "-c", 'source "$0" && COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) && _gaon && '
                    'printf "%s\\n" "${COMPREPLY[@]}"', script, *words], usr)
        return done.stdout.split()

    listed = re.findall(r"^  ([a-z][\w-]*) +\S", run([f"{usr}/bin/gaon", "--help"], usr).stdout, re.M)
    report("bash offers every command", listed and set(listed) <= set(offered("gaon", "")), str(offered("gaon", "")))
    report("bash completes a command's name", offered("gaon", "coredu") == ["coredump"], str(offered("gaon", "coredu")))
    report("bash offers the options of a command", "--scratchpad" in offered("gaon", "run", "--s"),
           str(offered("gaon", "run", "--s")))
    report("bash offers devices", "embedded" in offered("gaon", "info", "--device", ""),
           str(offered("gaon", "info", "--device", "")))
    report("bash completes the other programs", offered("gaon-sim", "--vf") == ["--vfio-user"],
           str(offered("gaon-sim", "--vf")))
    done = run(["zsh", "-f", "-n", f"{usr}/share/zsh/site-functions/_gaon"], usr)
    report("zsh reads its file", done.returncode == 0 and not done.stdout, done.stdout)
    script = os.path.join(usr, "share/fish/vendor_completions.d/gaon.fish")
    done = run(["fish", "--no-execute", script], usr)
    report("fish reads its file", done.returncode == 0 and not done.stdout, done.stdout)
    done = run(["fish", "--no-config", "-c", f'source {script}; complete -C "gaon "; complete -C "gaon reset --me"'], usr)
    words = {line.split("\t")[0] for line in done.stdout.splitlines()}
    report("fish offers every command, and the options of one", listed and {*listed, "--method"} <= words, done.stdout)


def pages(usr):
    """A manual page for each function of the libraries; for each command as well."""
    for library in ("libgaon", "libgaonops"):
        names = re.findall(r" T (gaon_\w+)@", run(["nm", "-D", "--defined-only", f"{usr}/lib/{library}.so"], usr).stdout)
        missing = [name for name in names if not os.path.exists(f"{usr}/share/man/man3/{name}.3")]
        report(f"a page for each function of {library}", names and not missing, " ".join(missing))
    missing = [name for name in os.listdir(f"{usr}/bin") if not os.path.exists(f"{usr}/share/man/man1/{name}.1")]
    report("a page for each command", not missing, " ".join(missing))
    # debian/*.symbols is what the packages promise since the last release.
    for library in ("libgaon", "libgaonops"):
        with open(os.path.join(TOP, f"debian/{library}0.symbols"), encoding="utf-8") as file:
            promised = set(re.findall(r"^ (\w+)@\w+ ", file.read(), re.M))
        found = run(["nm", "-D", "--defined-only", f"{usr}/lib/{library}.so"], usr).stdout
        have = set(re.findall(r" [TA] (\w+)(?:@.*)?$", found, re.M))
        report(f"debian/{library}0.symbols knows what {library} exports", promised == have,
               "not both have: " + " ".join(sorted(promised ^ have)))


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
