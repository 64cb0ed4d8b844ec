#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gaon prof: its figures held to what the device counts and what programs measure themselves, its trace to the rules
of the format, its exit codes, and bad input. On the embedded device, or on the card that GAON_DEVICE names."""
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

import jsonschema
from recorded_run import GAON, PATIENCE, TOP, finish, report

BUILD = os.environ["GAON_BUILD_DIR"]
DIGITS = os.path.join(BUILD, "bin", "gaon-demo-digits")
PROGRAM = os.path.join(BUILD, "tests", "conformance", "cli", "kernels.elf")


def run(*args, **environment):
    return subprocess.run([GAON, "prof", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                          timeout=300 * PATIENCE, stdin=subprocess.DEVNULL, env={**os.environ, **environment})


def summary(*args, code=0, **environment):
    """The document of a run, and the program's own output."""
    done = run("--json", *args, **environment)
    report(f"exit status {code}", done.returncode == code, f"{done.returncode} {done.stderr}")
    document = json.loads(done.stdout)
    with open(f"{TOP}/tools/gaon/schema/prof.json", encoding="utf-8") as file:
        jsonschema.validate(document, json.load(file))
    return document["processes"], done.stderr


def no_overlap(events):
    """What is on a track stands beside or inside of what else is there."""
    tracks = {}
    for event in events:
        if event["ph"] == "X":
            tracks.setdefault((event["pid"], event["tid"]), []).append((event["ts"], -event["dur"]))
    for spans in tracks.values():
        open_ends = []
        for begin, minus in sorted(spans):
            while open_ends and open_ends[-1] <= begin + 0.002:
                open_ends.pop()
            if open_ends and begin - minus > open_ends[-1] + 0.002:
                return False
            open_ends.append(begin - minus)
    return True


def check_trace(path, launches):
    """The Trace Event Format as Perfetto reads it."""
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    report("phases are known", {e["ph"] for e in events} <= set("XMCsf"), {e["ph"] for e in events})
    report("times are not negative", all(e["ts"] >= 0 and e.get("dur", 0) >= 0 for e in events if e["ph"] != "M"))
    report("what shares a track does not overlap", no_overlap(events))
    named = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
    devices = {e["pid"] for e in events if e["ph"] == "X" and e["cat"] in ("kernel", "copy")}
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] == "X" and e["pid"] in devices}
    report("tracks of a device have names", used <= named, used - named)
    begins, ends = ({e["id"]: e for e in events if e["ph"] == phase} for phase in "sf")
    report("each arrow has two ends, the second not before the first", begins.keys() == ends.keys()
           and all(begins[i]["ts"] <= ends[i]["ts"] + 0.002 for i in begins), (len(begins), len(ends)))
    calls = [e for e in events if e["ph"] == "X" and e["cat"] == "call"]
    inside = all(any(c["tid"] == b["tid"] and c["ts"] - 0.002 <= b["ts"] <= c["ts"] + c["dur"] + 0.002 for c in calls)
                 for b in list(begins.values())[:50])
    report("arrows come from calls", inside)
    streams = {(e["pid"], e["tid"]) for e in events if e["ph"] == "M" and e["name"] == "thread_name"
               and e["args"]["name"].startswith("stream")}
    kernels = [e for e in events if e["ph"] == "X" and e["cat"] == "kernel" and (e["pid"], e["tid"]) in streams]
    report(f"all {launches} launches are on streams' tracks", len(kernels) == launches, len(kernels))
    return events


def test_digits(work):
    """Thousands of launches: their times add up to what the program measured with events."""
    trace = f"{work}/digits.json"
    processes, output = summary("-o", trace, "--", DIGITS)
    device = processes[0]["devices"][0]
    launches = sum(kernel["count"] for kernel in device["kernels"])
    report("every launch is timed", launches > 1000 and all(k["count"] == k["timed"] for k in device["kernels"]),
           launches)
    calls = {call["name"]: call for call in processes[0]["calls"]}
    report("as many as were called", calls["gaon_launch"]["count"] == launches, calls["gaon_launch"])
    modelled = re.search(r"modelled ([\d.]+) ms", output)
    together = sum(k["total_ns"] for k in device["kernels"]) + sum(c["device_ns"] for c in device["copies"])
    if modelled and device["modelled_time"]:
        wanted = float(modelled.group(1)) * 1e6
        report("kernels and copies add up to the program's own figure", abs(together - wanted) < 0.01 * wanted,
               f"{together} {wanted}")
    report("shares add up to 1", abs(sum(k["share"] for k in device["kernels"]) - 1) < 1e-6)
    check_trace(trace, launches)


def test_counters(work):
    """Counted one by one, the launches make up all that the device counted."""
    picture = f"{work}/roofline.svg"
    processes, _ = summary("--roofline", picture, "--", DIGITS)
    device = processes[0]["devices"][0]
    counted = [k["counters"] for k in device["kernels"]]
    report("each kernel has counters of all its launches",
           all(c and c["launches"] == k["count"] for c, k in zip(counted, device["kernels"])), counted)
    report("instructions add up to the device's", sum(c["instructions"] for c in counted)
           == device["counters"]["instructions"], device["counters"])
    drawing = xml.etree.ElementTree.parse(picture).getroot()
    texts = ["".join(t.itertext()) for t in drawing.iter("{http://www.w3.org/2000/svg}text")]
    report("the roofline names each kernel", all(any(t.startswith(k["name"] + " (") for t in texts)
                                                 for k in device["kernels"]), texts)
    titles = [t.text for t in drawing.iter("{http://www.w3.org/2000/svg}title")]
    report("and places those whose bytes are counted", len(titles) > 0
           and {t.split(":")[0] for t in titles} == {k["name"] for k, c in zip(device["kernels"], counted)
                                                     if c["hbm_bytes"] > 0}, titles)


def test_graphs():
    """Operations of a replay are told apart, and a replay taken apart computes the same."""
    program = os.path.join(BUILD, "tests", "conformance", "runtime_graph")
    for options in ([], ["--counters"]):
        # One by one they need no room for the arguments of all: the test that wants a refusal is disappointed.
        processes, output = summary(*options, "--", program, CK_FORK="no", GAON_SEED="1", code=len(options))
        failures = re.findall(r"rt\.c:\d+:F:\w+:(\w+):", output)
        step = [k for d in processes[0]["devices"] for k in d["kernels"] if k["name"] == "conf_step"]
        count, timed = (sum(k[key] for k in step) for key in ("count", "timed"))
        report("the runtime's tests of graphs pass" + " one by one" * bool(options),
               failures == ["many_arguments"][:len(options)] and "Errors: 0" in output, output)
        report(f"launches in graphs are told of: {count}", count > 4000, count)
        # Of replays beside each other on two streams times are not known.
        report("and timed", timed > 4000, f"{timed} of {count}")


def test_exit(work):
    for code, args, why in ((7, ["--", "sh", "-c", "exit 7"], "made no call"), (2, [], "usage"),
                            (127, ["--", f"{work}/none"], "No such file"), (126, ["--", work], "Permission denied"),
                            (137, ["--", "sh", "-c", "kill -9 $$"], "signal 9"),
                            (1, ["--", "true"], "made no call"),
                            (1, ["-o", f"{work}/no/trace", "--", GAON, "list"], "No such file"),
                            (1, ["--roofline", f"{work}/r.svg", "--", GAON, "list"], "no launch was counted"),
                            (2, ["--frobnicate", "--", "true"], "usage")):
        done = run(*args)
        report(f"{' '.join(args)[-40:] or 'nothing'}: {code}", done.returncode == code and why in done.stderr,
               f"{done.returncode} {done.stderr}")
    done = run("-o", "/dev/full/x", "--", GAON, "list")
    report("no trace, no file", done.returncode == 1 and not os.path.exists(f"{work}/r.svg"), f"{done}")
    done = run("--", GAON, "run", "--kernel", "wild", PROGRAM, "u64:0x123456789000")
    report("a program whose kernel faults keeps its exit status and is shown", done.returncode == 3
           and "gaon_launch" in done.stdout and "wild" in done.stdout, f"{done}")
    done = run("--help")
    report("--help", done.returncode == 0 and "usage: gaon prof" in done.stdout, f"{done}")
    temporary = [name for name in os.listdir(os.environ.get("TMPDIR", "/tmp")) if name.startswith("gaon-prof.")
                 and os.stat(os.path.join(os.environ.get("TMPDIR", "/tmp"), name)).st_uid == os.geteuid()]
    report("nothing of it is left behind", not temporary, temporary)


def test_processes():
    """Each process of a program is shown, those that it runs too."""
    processes, _ = summary("--", "sh", "-c", f"'{GAON}' list; '{GAON}' run --kernel hello '{PROGRAM}' u64:7")
    kernels = [[k["name"] for d in p["devices"] for k in d["kernels"]] for p in processes]
    report("two processes, one of which launched", sorted(kernels) == [[], ["hello"]], kernels)


def main():
    tests = {"exit": test_exit, "processes": lambda work: test_processes(), "digits": test_digits, "counters": test_counters,
             "graphs": lambda work: test_graphs()}
    with tempfile.TemporaryDirectory() as work:
        os.environ["TMPDIR"] = work
        for name in sys.argv[1:] or tests:
            tests[name](work)
    sys.exit(finish())


main()
