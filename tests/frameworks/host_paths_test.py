#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The device model has several versions of its inner loops, for several generations of processors. All operators
of the plug-in, and all logits of 64 tokens of a model, have the same bits by each of them.

  host_paths_test [TOKENS]
"""
import os
import re
import subprocess
import sys

import llm_kit

# Name; features of the processor; the matrix unit's code; the vector unit's; how soon that is compiled.
PATHS = (("what the library takes by itself", (), "auto", "", "16"),
         ("portable code", (), "portable", "portable", "0"),
         ("AVX2", ("avx2", "fma", "bmi2"), "avx2", "v3", "0"),
         ("AVX-512, interpreted", ("avx512f", "avx512bw", "avx512dq", "avx512vl"), "avx512", "v4", "0"),
         ("AVX-512, compiled at once", ("avx512f", "avx512bw", "avx512dq", "avx512vl"), "avx512", "v4", "1"),
         ("AMX", ("amx_tile", "amx_int8", "amx_bf16"), "amx", "", "16"))
SECONDS = 600


def features():
    """What /proc/cpuinfo says that the processor can."""
    with open("/proc/cpuinfo", encoding="ascii") as file:
        found = re.search(r"^flags\s*:(.*)$", file.read(), re.M)
    return set(found[1].split()) if found else set()


def bits_of(program, args, env):
    """The hash that a program prints, and what is wrong if there is none."""
    done = subprocess.run([os.path.join(llm_kit.BUILD, "tests/frameworks", program), *args], env=env, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL)
    found = re.search(r"^bits ([0-9a-f]{16})$", done.stdout, re.M)
    return (found[1], "") if found and done.returncode == 0 else (None, f"exit {done.returncode}: {done.stdout}")


def main():
    tokens = sys.argv[1] if len(sys.argv) > 1 else "64"
    results = llm_kit.Results()
    has = features()
    seed = os.environ.get("GAON_SEED") or str(int.from_bytes(os.urandom(4), "little"))
    print(f"GAON_SEED={seed}", flush=True)
    want = {}
    for name, needs, matrix, vector, compiled in PATHS:
        lacks = [feature for feature in needs if feature not in has]
        env = llm_kit.environment(GAON_SEED=seed, GAON_SIM_MATRIX=matrix, GAON_PROBE_VECTOR=vector,
                                  GAON_SIM_COMPILE=compiled)
        del env["GGML_BACKEND_PATH"]
        for what, program, args in (("operators", "ggml_ops", ["", "1"]), ("logits", "llama_logits", [tokens])):
            title = f"{name}: {what}"
            if lacks:
                results.skip(title, f"this processor has no {', '.join(lacks)}")
                continue
            got, why = bits_of(program, args, env)
            want.setdefault(what, got)
            results.report(f"{title}: {got}", got and got == want[what], why or f"not {want[what]}")
    env = llm_kit.environment()
    del env["GGML_BACKEND_PATH"]
    one, other = (bits_of("ggml_ops", ["add", "1"], dict(env, GAON_SEED=f"{seed}{digit}"))[0] for digit in "12")
    results.report(f"another seed makes other bits: {one} and {other}", one and other and one != other)
    results.end()


main()
