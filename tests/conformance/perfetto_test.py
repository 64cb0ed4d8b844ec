#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gaon prof's trace, read by Perfetto's own trace processor: nothing is dropped on the way, and what it shows is what
was written."""
import collections
import json
import os
import subprocess
import sys
import tempfile

from recorded_run import GAON, PATIENCE, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
DIGITS = os.path.join(BUILD, "bin", "gaon-demo-digits")
PROGRAM = os.path.join(BUILD, "tests", "conformance", "cli", "kernels.elf")
QUERIES = {
    "stats": "select name, value from stats where value > 0 and severity in ('error', 'data_loss')",
    "slices": "select category, name, count(*) as number, sum(dur) as ns from slice group by category, name",
    "deep": "select max(depth) as depth from slice join thread_track on slice.track_id = thread_track.id",
    "flows": "select o.category as from_category, i.category as to_category, count(*) as number from flow"
             " join slice o on flow.slice_out = o.id join slice i on flow.slice_in = i.id"
             " group by o.category, i.category",
    "counters": "select t.name as name, count(*) as number, sum(c.value) as total from counter c"
                " join counter_track t on c.track_id = t.id group by t.name",
    "processes": "select name from process where pid != 0",
    "threads": "select p.name as process, t.name as name from thread t join process p using (upid)"
               " where t.name is not null and p.pid != 0",
}


def perfetto(trace, queries):
    """Its reader's answers to queries, one a line."""
    engine = subprocess.run(["sh", f"{TOP}/tools/setup/perfetto.sh"], stdout=subprocess.PIPE, check=True, text=True,
                            stdin=subprocess.DEVNULL).stdout.strip()
    return subprocess.run(["node", f"{TOP}/tests/conformance/perfetto.js", engine, trace], capture_output=True,
                          input="".join(f"{query}\n" for query in queries), text=True, check=False,
                          timeout=300 * PATIENCE)


def ask(trace, queries):
    """{name: rows} of what Perfetto says of a trace."""
    done = perfetto(trace, queries.values())
    if not report("Perfetto reads the trace", done.returncode == 0, done.stderr):
        return None
    return dict(zip(queries, map(json.loads, done.stdout.splitlines())))


def compare(trace):
    """What it shows against what stands in the file."""
    told = ask(trace, QUERIES)
    if not told:
        return
    with open(trace, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    report("it finds no error in it", not told["stats"], told["stats"])

    wanted = collections.defaultdict(lambda: [0, 0.0])
    for event in events:
        if event["ph"] == "X":
            wanted[event["cat"], event["name"]][0] += 1
            wanted[event["cat"], event["name"]][1] += event["dur"] * 1000
    shown = {(row["category"], row["name"]): (row["number"], row["ns"]) for row in told["slices"]}
    report(f"it shows all {sum(number for number, _ in wanted.values())} calls, kernels and copies by name",
           {key: value[0] for key, value in wanted.items()} == {key: value[0] for key, value in shown.items()}, shown)
    # It counts whole nanoseconds.
    off = [key for key, (number, ns) in wanted.items() if key in shown and abs(shown[key][1] - ns) > number]
    report("of the same duration", not off, [(key, wanted[key], shown[key]) for key in off])
    report("calls of a thread, kernels of a stream: none inside of too many others",
           told["deep"][0]["depth"] <= 4, told["deep"])

    arrows = sum(event["ph"] == "s" for event in events)
    ends = {(row["from_category"], row["to_category"]) for row in told["flows"]}
    report(f"all {arrows} arrows lead from calls to what the device did",
           sum(row["number"] for row in told["flows"]) == arrows and ends <= {("call", "kernel"), ("call", "copy")},
           told["flows"])

    values = collections.defaultdict(lambda: [0, 0.0])
    for event in events:
        if event["ph"] == "C":
            (unit, value), = event["args"].items()
            values[f'{event["name"]} {unit}'][0] += 1
            values[f'{event["name"]} {unit}'][1] += value
    counted = {row["name"]: (row["number"], row["total"]) for row in told["counters"]}
    report(f"{len(values)} counters with all their values",
           values.keys() == counted.keys() and all(
               counted[name][0] == number and abs(counted[name][1] - total) <= 1e-6 * max(1, abs(total))
               for name, (number, total) in values.items()), (dict(values), counted))

    for phase, key in (("process_name", "processes"), ("thread_name", "threads")):
        names = collections.Counter(event["args"]["name"] for event in events
                                    if event["ph"] == "M" and event["name"] == phase)
        have = collections.Counter(row["name"] for row in told[key])
        report(f"names of {key}", not names - have, (names, have))


def profile(trace, *program, code=0):
    """A program's trace."""
    done = subprocess.run([GAON, "prof", "-o", trace, "--", *program], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=300 * PATIENCE)
    return report(f"{os.path.basename(program[0])} {' '.join(program[1:])[:40]}: exit status {code}".replace(BUILD, ""),
                  done.returncode == code, f"{done.returncode} {done.stderr}")


def test_damaged(work, trace):
    """The oracle notices what is wrong: half of a trace is an error of Perfetto's, not a smaller trace."""
    with open(trace, "rb") as whole, open(f"{work}/half.json", "wb") as half:
        half.write(whole.read()[:os.path.getsize(trace) // 2])
    done = perfetto(f"{work}/half.json", [QUERIES["stats"]])
    report("half a trace is noticed", done.returncode != 0 or json.loads(done.stdout),
           (done.returncode, done.stdout, done.stderr))


def main():
    with tempfile.TemporaryDirectory() as work:
        if profile(f"{work}/digits.json", DIGITS):
            compare(f"{work}/digits.json")
            test_damaged(work, f"{work}/digits.json")
        # A kernel that faults, and two processes in one trace.
        if profile(f"{work}/fault.json", GAON, "run", "--kernel", "wild", PROGRAM, "u64:0x123456789000", code=3):
            compare(f"{work}/fault.json")
        if profile(f"{work}/two.json", "sh", "-c", f"'{GAON}' list; '{GAON}' run --kernel hello '{PROGRAM}' u64:7"):
            compare(f"{work}/two.json")
    sys.exit(finish())


main()
