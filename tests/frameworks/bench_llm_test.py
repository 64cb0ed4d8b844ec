#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gaon-bench-llm: its rows against the schema, and figures of the modelled clock that fit one another. What is
fast and what is not is no matter here."""
import json
import os
import subprocess
import tempfile

import jsonschema

from llm_kit import BUILD, LLAMA, TOP, Results, model

BENCH = [*LLAMA, os.path.join(BUILD, "frameworks", "gaon-bench-llm")]
RESULTS = Results()
report = RESULTS.report


def run(*args):
    return subprocess.run([*BENCH, "--rounds=1", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=300, check=False)


def rows_of(text, directory):
    """The rows whose names contain the text, by name; empty if the program failed."""
    path = os.path.join(directory, "rows.json")
    done = run(f"--filter={text}", f"--json-file={path}")
    report(f"{text}: measures", done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr}")
    if done.returncode:
        return {}
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)
    with open(os.path.join(TOP, "tools/gaon/schema/make-bench.json"), encoding="utf-8") as file:
        jsonschema.validate(rows, json.load(file))
    return {row["name"]: row for row in rows}


def check_modelled(directory):
    rows = rows_of("llm_modelled_tg128", directory)
    names = ["core", "matrix", "dma", "copy", "hbm", "launch"]
    report("the rate and each engine's share are there",
           set(rows) == {"llm_modelled_tg128"} | {f"llm_modelled_tg128_{name}" for name in names}, str(set(rows)))
    if len(rows) != 7:
        return
    rate = rows["llm_modelled_tg128"]
    share = {name: rows[f"llm_modelled_tg128_{name}"]["value"] for name in names}
    report("slower than HBM could give the weights", 0 < rate["value"] < rate["peer_value"], str(rate))
    report("the ratio is of both", abs(rate["ratio"] * rate["peer_value"] / rate["value"] - 1) < 1e-6, str(rate))
    report("shares are of the time", all(0 < s <= 100 for s in share.values()), str(share))
    # All weights come out of HBM for every token, and what else is moved comes on top.
    report("HBM moved the weights", 98 * rate["ratio"] <= share["hbm"] <= 200 * rate["ratio"], f"{rate} {share}")
    # A core is busy at least as long as the longer of what its channels or arrays do.
    report("cores were busy while their engines were", share["core"] >= max(share["matrix"], share["dma"]), str(share))
    report("the row names what bounds it", "bound by " in rate["note"], rate["note"])


def check_products(directory):
    rows = rows_of("llm_mul_mat_q4_1", directory)
    row = rows.get("llm_mul_mat_q4_1", {"value": 0, "peer_value": 0, "note": "", "reach": ""})
    report("products on both sides", row["value"] > 0 and row["peer_value"] > 0, str(row))
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        amx = " amx_int8" in file.read()
    report("a reach that this processor cannot be held to is not claimed",
           ("not measured: this processor has no amx_int8" in row["note"]) != amx and "amx_int8" in row["reach"], str(row))


def main():
    os.environ["GAON_LLM"] = model()
    with tempfile.TemporaryDirectory() as directory:
        check_modelled(directory)
        check_products(directory)
    done = run("--filter=nothing")
    report("a name that there is not", done.returncode == 2 and "no figure's name contains nothing" in done.stderr,
           f"exit {done.returncode}: {done.stderr}")
    RESULTS.end()


main()
