#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`gaon diag` on the embedded device: one that is good, and what it refuses."""
import json
import os
import pty
import random
import re
import signal
import subprocess
import sys
import time

import jsonschema

import recorded_run
from recorded_run import GAON, PATIENCE, finish, report, schema_of

SMALL = {"GAON_SIM_HBM": "64M", "GAON_SIM_SPM": "1M", "GAON_SIM_CORES": "3"}
PERFDATA = re.compile(r"([a-z0-9_]+)=(-?[0-9.e+-]+)(s|%|B|c)?;([0-9.e+-]*:?);([0-9.e+-]*:?);([0-9.e+-]*)(;[0-9.e+-]*)?")


def environment(**more):
    """Without what the caller has set."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GAON_SIM_") and key != "GAON_DEVICE"}
    return {**kept, "GAON_DEVICE": "embedded", **more}


def diag(*args, **more):
    """A run on a small device; more of its environment."""
    return subprocess.run([GAON, "diag", *args], capture_output=True, text=True, timeout=120 * PATIENCE, check=False,
                          stdin=subprocess.DEVNULL, env=environment(**{**SMALL, **more}))


def document(name, code, *args, **more):
    """The JSON of a run, which fits the schema and whose verdict is the exit status."""
    done = diag("--json", *args, **more)
    try:
        found = json.loads(done.stdout)
        jsonschema.validate(found, schema_of("diag"))
        words = ["ok", "warning", "critical", "unknown"]
        report(f"{name}: JSON fits its schema, exit {code}", done.returncode == code and words.index(found["verdict"]) == code,
               f"exit {done.returncode}: {found['summary']} {found['findings']} {done.stderr}")
        return found
    except (ValueError, jsonschema.ValidationError) as error:
        report(f"{name}: JSON fits its schema, exit {code}", False, f"exit {done.returncode}: {error}\n{done.stderr}")
        sys.exit(1)


def expect(name, code, *args, out="", err="", **more):
    """Exit status and what must stand in its output."""
    done = diag(*args, **more)
    report(name, done.returncode == code and re.search(out, done.stdout) and re.search(err, done.stderr),
           f"exit {done.returncode}, stdout {done.stdout!r}, stderr {done.stderr!r}")
    return done


def first_line(text):
    """(word, labels) of what monitoring reads; None if it is not as Nagios' guidelines want it."""
    line = text.split("\n", 1)[0]
    match = re.fullmatch(r"GAON (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+ \| (.*)", line)
    fields = [PERFDATA.fullmatch(field) for field in match[2].split(" ")] if match else [None]
    return (match[1], [field[1] for field in fields]) if all(fields) else None


def test_good():
    """Levels 1 and 2, shapes of all kinds."""
    done = expect("level 1 is the default", 0, out=r"(?m)^ok +launch ")
    line = first_line(done.stdout)
    report("the first line is Nagios'", line and line[0] == "OK" and line[1][:3] == ["tests", "failed", "seconds"], done.stdout)
    report("nothing on standard error that is no terminal", done.stderr == "", done.stderr)
    found = document("level 2", 0, "-r", "2", "-m", "4M", "-s", "7")
    listed = json.loads(diag("--list", "--json").stdout)["tests"]
    report("level 2 runs all tests up to it, in their order", [t["name"] for t in found["tests"]] ==
           [t["name"] for t in listed if t["level"] <= 2], found["tests"])
    report("all are good, but ports, of which it has none", all(
        t["verdict"] == ("skipped" if t["name"] == "ports" else "ok") and t["wrong"] == 0 for t in found["tests"]) and
        found["seed"] == "0x7", found)
    figures = {figure["name"]: figure for figure in found["figures"]}
    told = {"link_to_device_gbps": 32.0, "link_to_host_gbps": 32.0, "memory_gbps": 1200.0,
            "matrix_bf16_tflops": 3 * 2 * 2 * 128 * 128 * 1.05e9 / 1e12}
    report("speeds are near what the device says of itself", all(
        abs(figures[name]["most"] - most) < 1e-3 * most and 0.9 * most < figures[name]["value"] <= 1.001 * most
        for name, most in told.items()) and abs(figures["clock_mhz"]["value"] - 1050) < 1, figures)
    for shape in ({"GAON_SIM_SPM": "64K", "GAON_SIM_VLEN": "256", "GAON_SIM_HBM": "32M"}, {"GAON_SIM_COMPILE": "0"},
                  {"GAON_SIM_EFFECTS": "late", "GAON_SIM_CORES": "1"}):
        expect(f"level 2 of a device with {shape}", 0, "-r", "2", "-m", "1M", out="GAON OK", **shape)
    found = document("a device without time", 0, "-r", "2", "-m", "1M", GAON_SIM_TIME="0", GAON_SIM_VLEN="128")
    report("its speeds are not measured, short registers are not tested", [
        t["name"] for t in found["tests"] if t["verdict"] == "skipped"] ==
        ["vector", "link-speed", "ports", "memory-speed", "clock", "matrix-speed"], found["tests"])
    found = document("tests by name", 0, "--only", "memory,copy", "-m", "2M")
    report("only those are run, in their order", [t["name"] for t in found["tests"]] == ["copy", "memory"] and
           found["level"] == 2, found["tests"])


def test_flaws():
    """What is broken is found by the test whose business it is, and named."""
    seed = int.from_bytes(os.urandom(4), "little")
    rng = random.Random(seed)
    print(f"# seed {seed}")
    core, bit = rng.randrange(3), rng.randrange(8)
    hbm, spm = rng.randrange(8 << 20, 40 << 20), rng.randrange(0x80000)
    cases = [
        (f"hbm:{hbm}:{bit}", "memory", {"unit": "hbm", "channel": hbm // 256 % 32}),
        (f"spm:{core}:{spm}:{bit}", "scratchpad", {"unit": "scratchpad", "core": core, "address": hex(spm & ~7)}),
        (f"core:{core}:integer", "integer", {"unit": "integer", "core": core, "instruction": "add"}),
        (f"core:{core}:multiply", "integer", {"unit": "multiply", "core": core, "instruction": "mulh"}),
        (f"core:{core}:float", "float", {"unit": "float", "core": core, "instruction": "fadd.s"}),
        (f"core:{core}:vector", "vector", {"unit": "vector", "core": core, "instruction": "vadd.vv e8"}),
        (f"core:{core}:matrix", "matrix", {"unit": "matrix", "core": core, "instruction": "gemm f32"}),
        (f"link:{rng.randrange(10, 70)}", "link-speed", {}),
        (f"memory:{rng.randrange(10, 70)}", "memory-speed", {}),
        (f"clock:{rng.randrange(40, 97)}", "clock", {"unit": "clock", "core": 0}),
    ]
    tests = ",".join(sorted({test for _, test, _ in cases}))
    for flaw, test, want in cases:
        found = document(f"flaw {flaw}", 2, "--only", tests, "-m", "44M", "-s", str(seed), GAON_SIM_FLAW=flaw)
        first = found["findings"][0]
        report(f"flaw {flaw}: found by {test}, and named", first["test"] == test and
               all(first[key] == value for key, value in want.items()) and
               all(f["test"] == test or flaw.startswith("clock") for f in found["findings"]), found["findings"][:4])
        if first["expected"]:
            wrong = int(first["expected"], 16) ^ int(first["found"], 16)
            place = spm if test == "scratchpad" else hbm
            expected = 1 << (place % 8 * 8 + bit) if test in ("memory", "scratchpad") else wrong
            report(f"flaw {flaw}: that bit", wrong == expected and wrong, found["findings"][0])
    lane = rng.randrange(64)
    found = document(f"flaw wire:{lane}:{bit}", 2, "--only", "links", "-s", str(seed), GAON_SIM_FLAW=f"wire:{lane}:{bit}")
    first = found["findings"][0]
    report("the lane of the link is found", first["unit"] == "link" and f"in 1 of 64 byte lanes, the first of which is {lane};" in
           first["text"] and int(first["expected"], 16) ^ int(first["found"], 16) == 1 << (lane % 8 * 8 + bit), first)
    for bad in ("hbm", "wire:64:1", "wire:1", "hbm:1", "hbm:1:8", "core:1:heart", "core:99:matrix", "link:0", "link:101", "link:50+", "+", "spm:1:2"):
        expect(f"flaw {bad} is refused", 3, out="GAON_SIM_FLAW=", GAON_SIM_FLAW=bad)
        done = subprocess.run([os.path.join(os.path.dirname(GAON), "gaon-sim"), "--vfio-user", "/nowhere/socket", "--flaw", bad],
                              capture_output=True, text=True, check=False, timeout=60 * PATIENCE)
        report(f"gaon-sim --flaw {bad} is refused", done.returncode == 125 and "--flaw" in done.stderr, done)


def test_long():
    """Levels 3 and 4 in a small form."""
    found = document("level 4", 0, "-r", "4", "-m", "2M", "-t", "1", GAON_SIM_CORES="2")
    figures = {figure["name"]: figure["value"] for figure in found["figures"]}
    seconds = {t["name"]: t["seconds"] for t in found["tests"]}
    report("level 4 runs every test there is", len(found["tests"]) == len(json.loads(diag("--list", "--json").stdout)["tests"]) and
           found["tests"][-1]["name"] == "errors", found["tests"])
    report("what lasts lasts as long as is asked for", all(1 <= seconds[name] < 30 * PATIENCE for name in ("stress", "queues", "links", "soak")),
           seconds)
    report("heat, power and clock are watched", 20 < figures["temperature_c"] < 100 and 50 < figures["power_w"] < 300 and
           figures["clock_least_mhz"] == 1050, figures)
    found = document("all free memory", 0, "--only", "march", GAON_SIM_HBM="32M")
    figures = {figure["name"]: figure["value"] for figure in found["figures"]}
    report("is nearly all there is", 29 <= figures["memory_marched_mib"] <= 32, figures)
    bit, place = random.randrange(8), random.randrange(2 << 20, 30 << 20)
    found = document(f"a bit at {place} that falls", 2, "--only", "march", GAON_SIM_HBM="32M", GAON_SIM_FLAW=f"hbm:{place}:{bit}")
    report("is found wherever it is", found["findings"][0]["channel"] == place // 256 % 32 and
           found["tests"][0]["wrong"] >= 3, found["findings"][:3])
    found = document("a core that multiplies wrong under load", 2, "--only", "stress", "-t", "5", GAON_SIM_FLAW="core:2:multiply")
    report("ends the stress, and is named", found["findings"][0]["core"] == 2 and found["findings"][0]["unit"] == "multiply" and
           "in round 1" in found["findings"][-1]["text"], found["findings"])


def test_refusals():
    """Exit status 3: monitoring is to know that nothing is known."""
    for args, err in ((("-r", "0"), "takes 1 to [24], not '0'"), (("-r", "5"), "takes 1 to [24], not '5'"), (("-r", "x"), "not 'x'"),
                      (("--only", "heat"), "no test is named 'heat'.*--list"), (("--only", ""), "names of tests"),
                      (("--only", "copy,,memory"), "no test is named ''"), (("-m", "1K"), "from 1M on"),
                      (("-m", "9X"), "not '9X'"), (("-m", "-4M"), "not '-4M'"), (("-s", "seed"), "takes a number"), (("-t", "0"), "1 to 1000000 seconds, not '0'"),
                      (("--sideways",), "usage"), (("now",), "usage")):
        expect(f"diag {' '.join(args)} is refused", 3, *args, err=err)
    expect("a card that is not there", 3, "-d", "accel7", out="GAON UNKNOWN - accel7: there is no such card", err="no card is named")
    found = document("a card that is not there", 3, "-d", "accel7")
    report("nothing was tested", not found["tests"] and not found["figures"], found)
    found = document("a device that cannot be made", 3, GAON_SIM_CORES="none")
    verdicts = {t["name"]: t["verdict"] for t in found["tests"]}
    report("what needs it is left out, and why is said", verdicts["open"] == "unknown" and verdicts["copy"] == "skipped" and
           any("GAON_SIM_CORES=none" in f["text"] for f in found["findings"]), found)
    found = document("too little memory", 3, "--only", "memory-speed", GAON_SIM_HBM="16M", GAON_SIM_CORES="64")
    report("too little memory is no good result", found["summary"] == "no test could be run" and
           "too few to measure" in found["tests"][0]["skipped"], found)


def test_output():
    """Nobody reads any more, or there is no room."""
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([GAON, "diag"], stdout=full, stderr=subprocess.PIPE, text=True, check=False,
                              timeout=60 * PATIENCE, env=environment(**SMALL))
    report("a full disk is told of", done.returncode == 3 and "No space left" in done.stderr, done)
    with subprocess.Popen([GAON, "diag"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=environment(**SMALL)) as process:
        process.stdout.close()
        process.wait(timeout=60 * PATIENCE)
        err = process.stderr.read()
    report("nobody reads", process.returncode in (-signal.SIGPIPE, 3) and err.count("\n") <= 1, (process.returncode, err))


def test_interrupt():
    """A terminal shows how far it is after two seconds; ^C ends it with what is known."""
    terminal, other = pty.openpty()
    shown = b""
    with subprocess.Popen([GAON, "diag", "--json", "-m", "3G", "--only", "memory"], stdout=subprocess.PIPE, stderr=other,
                          env=environment()) as process:
        os.close(other)
        begun = time.monotonic()
        while b"%" not in shown:
            shown += os.read(terminal, 4096)
        took = time.monotonic() - begun
        process.send_signal(signal.SIGINT)
        text = process.stdout.read()
        process.wait(timeout=60 * PATIENCE)
    os.close(terminal)
    report("progress on a terminal, not before two seconds", took > 1.8 and b"memory" in shown and b"[" in shown, (took, shown))
    found = json.loads(text)
    jsonschema.validate(found, schema_of("diag"))
    report("^C ends it, and nothing is called good", process.returncode == 3 and found["interrupted"] and
           found["verdict"] == "unknown" and "interrupted" in found["summary"], found)


def main():
    """All of them."""
    test_good()
    test_flaws()
    test_long()
    test_refusals()
    test_output()
    test_interrupt()
    print(f"1..{recorded_run.COUNT}")
    return finish()


if __name__ == "__main__":
    sys.exit(main())
