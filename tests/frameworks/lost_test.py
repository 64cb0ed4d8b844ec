#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The device is lost while llama.cpp generates text: its firmware dies. The program says so and ends by itself."""
import os
import re
import subprocess
import tempfile
import threading

import llm_kit

SECONDS = 150


def main():
    results = llm_kit.Results()
    with tempfile.TemporaryDirectory() as work:
        door = os.path.join(work, "door")
        env = llm_kit.environment(GAON_PROBE=door, GAON_SIM_DEBUG_FUSE="1")
        command = [*llm_kit.LLAMA, "llama-completion", "-m", llm_kit.model(), "-ngl", "99", "-t", "1", "-c", "4096", "-n", "4000",
                   "--ignore-eos", "--temp", "0", "-no-cnv", "--no-warmup", "-p", "One, two, three,"]
        with open(os.path.join(work, "log"), "w+", encoding="utf-8", errors="replace") as log, \
                subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log) as program:
            alarm = threading.Timer(SECONDS, program.kill)
            alarm.start()
            text = b""
            # The prompt, and some of what follows it.
            while len(text) < 60:
                piece = os.read(program.stdout.fileno(), 4096)
                if not piece:
                    break
                text += piece
            running = results.report("text comes", program.poll() is None and text.startswith(b"One, two"), text)
            if running:
                llm_kit.ask(door, "crash")
            rest = program.stdout.read()
            status = program.wait()
            alarm.cancel()
            log.seek(0)
            said = log.read()
    results.report("the program ends by itself, with an error", 0 < status < 128, f"exit status {status}\n{said}")
    results.report("before it has said all", len(text + rest) < 4000, len(text + rest))
    results.report("the plug-in says it, once", len(re.findall("Gaon0: .*the device does not answer", said)) == 1, said)
    results.report("the library has the cause", "device: firmware lost: " in said, said)
    results.report("llama.cpp knows of it", "failed to compute graph" in said, said)
    print("".join(f"# {line}\n" for line in said.splitlines()[-8:]), end="")
    results.end()


main()
