#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Less device memory than a model needs: llama.cpp ends by itself, whether it is for weights, cache or intermediate
results, and the log has the numbers. With fewer layers on the device it works."""
import re
import subprocess

import llm_kit

# With a context of 4,096 tokens: 92 MiB of weights, 90 of cache, 105 of intermediate results.
STAGES = ((64, "weights", "unable to allocate Gaon0 buffer"), (140, "cache", "failed to allocate buffer for kv cache"),
          (200, "intermediate results", "failed to allocate compute"))
SECONDS = 150
# A thread of llama.cpp's writes its log, which ends with the program wherever it is: on a busy machine every
# second log is cut.
LOGS = 12


def run(memory, *args):
    """llama-completion on a device of that many MiB."""
    command = [*llm_kit.LLAMA, "llama-completion", "-m", llm_kit.model(), "-t", "1", "-c", "4096", "-n", "2", "--temp", "0",
               "-no-cnv", "--no-warmup", "-p", "One, two,", *args]
    return subprocess.run(command, env=llm_kit.environment(GAON_SIM_HBM=f"{memory}M"), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace", check=False,
                          timeout=SECONDS)


def main():
    results = llm_kit.Results()
    for memory, what, error in STAGES:
        for _ in range(LOGS):
            done = run(memory, "-ngl", "99")
            if done.returncode != 1 or error in done.stderr:
                break
        detail = f"exit status {done.returncode}\n{done.stderr}"
        results.report(f"{memory} MiB: too little for {what}: ends by itself, with an error",
                       0 < done.returncode < 128 and error in done.stderr, detail)
        said = re.search(r"Gaon0: ([0-9.]+) MiB were asked for, ([0-9.]+) MiB of ([0-9.]+) MiB are free: fewer layers", done.stderr)
        results.report(f"and says so: {said[0] if said else ''}", said and float(said[1]) > float(said[2]) and
                       memory * 0.9 < float(said[3]) <= memory and float(said[2]) < float(said[3]), detail)
    done = run(STAGES[0][0], "-ngl", "5", "-ub", "64")
    results.report("with fewer layers and a smaller batch it works", done.returncode == 0 and done.stdout.startswith("One, two,"),
                   f"exit status {done.returncode}\n{done.stderr}")
    results.end()


main()
