#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gaon debug: kernels of the embedded device under gdb-multiarch, and the stub under a client that does not keep to
the protocol."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import jsonschema
from debug_client import EXPECTED, KERNELS, Client, Session, line, sums_arguments, words
from recorded_run import GAON, PATIENCE, TOP, finish, report


def test_session(work):
    """From the first instruction to the end: lines, frames, variables, threads, changes that reach the result."""
    session = Session(work, [], sums_arguments(work))
    report("it says how to connect", "target remote" in session.first, session.first)
    text = session.gdb("backtrace 1", "info registers a0 pc", "print/x *args", f"break {line('inner')}", "continue",
                       "backtrace 2", "print value", "print factor", "info threads", "print weighed",
                       "set var weighed = 1000", "delete", "next", "print $x0", "continue")
    code, _, err = session.end()
    report("the first stop is at the kernel's first instruction", "sums (args=" in text, text)
    report("arguments are read from memory", "n = 0x10}" in text, text)
    report("a breakpoint at a line is hit", re.search(rf"Breakpoint 1, weigh .*kernels.c:{line('inner')}", text), text)
    report("the frames are the kernel's", re.search(r"#1 .* in sums \(args=", text), text)
    report("threads name kernel, workgroup and core", re.search(r"\(sums, workgroup \(\d,0,0\) of \(4,1,1\), core \d\)", text),
           text)
    report("registers have their names", re.search(r"^a0 +0x[0-9a-f]+", text, re.M), text)
    got, wanted = words(f"{work}/out", 4), list(EXPECTED)
    group = next((i for i in range(4) if got[i] != wanted[i]), 0)
    wanted[group] += 1000 - 3 * (4 * group + 1)
    report("a variable that was changed reaches the result, and nothing else does", list(got) == wanted, (got, wanted))
    report("the program's end is gdb's", "exited normally" in text and code == 0, (code, err))


def test_workgroups(work):
    """One workgroup stops, steps and is changed, the others run past."""
    session = Session(work, ["--break", "sums"], sums_arguments(work))
    text = session.gdb(f"tbreak {line('inner')}", "continue", "info threads", "set scheduler-locking on", "stepi", "stepi",
                       "info threads", "set scheduler-locking off", "continue")
    code, _, _ = session.end()
    threads = re.findall(r"Thread (\d+) \(sums, workgroup \((\d),0,0\)", text)
    report("a thread is the same workgroup at each stop", len({t for t, _ in threads}) == len(set(threads)), text)
    report("after steps of one of them all come to the right end", code == 0 and words(f"{work}/out", 4) == EXPECTED, text)


def test_fault(work):
    """A kernel that faults opens at its line; the program then sees the fault as it would have."""
    session = Session(work, ["--on-fault"], ["--kernel", "wild", KERNELS, "u64:0x123456000"])
    text = session.gdb("info threads", "print where", "continue")
    code, _, err = session.end()
    report("it stops at the line", f"kernels.c:{line('faults')}" in text, text)
    report("with what is wrong", "page fault, write of 0x123456000" in text, text)
    report("and its variables", "(volatile uint64_t *) 0x123456000" in text, text)
    report("passed on it is the program's fault", code == 3 and "page fault" in err and "exited with code 03" in text,
           (code, err, text))


def test_mended(work):
    """A fault whose cause is removed has not been."""
    session = Session(work, ["--on-fault"], ["--kernel", "wild", KERNELS, "u64:8"])
    text = session.gdb(f"jump {line('faults') + 1}")
    code, _, _ = session.end()
    report("jumped over it the program ends well", code == 0 and "exited normally" in text, (code, text))


def test_assertion(work):
    session = Session(work, ["--on-fault"], ["--kernel", "fails", KERNELS, "u64:1"])
    text = session.gdb("continue")
    code, _, err = session.end()
    report("a failed assertion stops at its line", f"kernels.c:{line('asserts')}" in text, text)
    report("and is told of as without a debugger", code == 3 and "args->where == 7" in err, err)


def test_vectors(work):
    session = Session(work, [], ["--kernel", "vectors", KERNELS, f"out:{work}/v:512", "zero:8", "u64:1"])
    text = session.gdb(f"break {line('vector')}", "continue", "print $v5.longs[9]", "print $v5.doubles[0]", "print $vl",
                       "print $vlenb", "set var $v5.longs[3] = 99", "stepi", "stepi", "delete", "stepi", "continue")
    code, _, _ = session.end()
    report("vector registers are read", "= 9\n" in text and "= 64\n" in text and "= 512\n" in text, text)
    got = words(f"{work}/v", 64)
    report("and written", code == 0 and got == (0, 1, 2, 99, *range(4, 64)), (code, got, text))
    report("the exit address is where a kernel returns to", "0xfffffffffffff000 in ?? ()" in text, text)


# --- without gdb ------------------------------------------------------------------------------------

BAD = [b"", b"p", b"p99999999999999999999", b"pffff", b"P0", b"P0=", b"P0=12", b"P20=0100000000000000", b"m", b"m,", b"m0,",
       b"mffffffffffffffff,ffff", b"m0,ffffffffffffffff", b"M0,4:00", b"M0,1:zz", b"X0,5:abc", b"X0,0:", b"Z0,1,4", b"Z0",
       b"Z0,ffffffffffff0000,4", b"Z9,0,4", b"z0,10,3", b"vCont;x", b"vCont;s:ffff", b"vCont;S", b"vCont;", b"H", b"Hz1",
       b"Hgffffffffffffffffffff", b"T", b"T0", b"Tzz", b"qXfer:features:read:target.xml:", b"qXfer:libraries:read::zz,1",
       b"qXfer:features:read:target.xml:ffffffffffffffff,ffffffffffffffff", b"qThreadExtraInfo,", b"qThreadExtraInfo,ff",
       b"G00", b"Gzz", b"s123", b"C", b"\x00\x01\x02", b"qSupported" + b"A" * 40000, b"_" * 32769]


def test_protocol(work, seed):
    """Whatever is sent: an answer or none, never the end of the program; and then it still works."""
    rng = random.Random(seed)
    session = Session(work, ["--json"], sums_arguments(work))
    client = Client(session.path)
    report("features are told of", b"qXfer:features:read+" in client.ask(b"qSupported:swbreak+"))
    report("it has stopped with a signal", client.ask(b"?").startswith(b"T05thread:"))
    before = client.ask(b"g")
    for body in BAD:
        client.send(body)
    for _ in range(3000):
        choice = rng.choice((b"p", b"P", b"m", b"M", b"X", b"qXfer:", b"H", b"T", b"Z0,", b"z1", b"q", b"?", b"!"))
        client.send(choice + bytes(rng.choice(b"0123456789abcdef,:;=-.gX\x7d\x00\xff") for _ in range(rng.randrange(24))))
        client.socket.sendall(bytes(rng.randrange(4, 256) for _ in range(rng.randrange(5))))
        if rng.randrange(10) == 0:
            client.socket.setblocking(False)
            try:
                client.socket.recv(1 << 20)
            except BlockingIOError:
                pass
            client.socket.settimeout(20 * PATIENCE)
    client.socket.sendall(b"#00")
    client.send(b"qC")
    while (answer := client.packet()) is not None and not answer.startswith(b"QC"):
        pass
    client.data = b""
    report(f"after garbage of seed {seed} it answers", answer is not None and answer.startswith(b"QC"), answer)
    client.send(b"G" + before)
    client.socket.close()
    # gdb went away: the next one finds it standing.
    client = Client(session.path)
    report("registers are as they were written", client.ask(b"g")[:512] == before[:512])
    report("a second client may detach", client.ask(b"D") == b"OK")
    code, out, _ = session.end()
    document = json.loads(out)
    with open(f"{TOP}/tools/gaon/schema/debug.json", encoding="utf-8") as file:
        jsonschema.validate(document, json.load(file))
    report("the program ends as if nothing had been", code == 0 and document["exit_status"] == 0
           and words(f"{work}/out", 4) == EXPECTED, (code, document))


def test_interrupt(work):
    """^C stops what runs for ever; a change lets it end."""
    session = Session(work, [], ["--kernel", "forever", KERNELS, "u64:1"])
    client = Client(session.path)
    client.ask(b"?")
    client.send(b"vCont;c")
    time.sleep(0.3)
    client.socket.sendall(b"\x03")
    stop = client.packet()
    report("^C stops a kernel", stop.startswith(b"T02thread:"), stop)
    client.ask(b"k")
    code, _, err = session.end()
    report("killed, the program is", code == 137 and "signal 9" in err, (code, err))


def test_bad_input(work):
    def run(*args):
        return subprocess.run([GAON, "debug", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=60 * PATIENCE)

    for args, code, text in ((("--listen", "nowhere", "true"), 1, "HOST:PORT"), (("--listen", "unix:" + "x" * 200, "true"), 1,
                             "107 bytes"), (("--listen", "unix:/nowhere/at/all", "true"), 1, "No such file"),
                             ((), 2, "usage"), (("--break", "x", "--on-fault", "true"), 2, "exclude"),
                             (("--", "/nowhere"), 127, "No such file"), (("--", "/"), 126, "Permission denied")):
        done = run(*args)
        report(f"gaon debug {' '.join(args)[:40]} fails with {code}", done.returncode == code and text in done.stderr, done)
    done = run("--break", "nothing", "--", GAON, "run", *sums_arguments(work))
    report("a kernel that never begins is told of", done.returncode == 0 and "nothing stopped at nothing" in done.stderr, done)
    done = run("--listen", "localhost:0", "--", "true")
    report("a program without kernels, too", done.returncode == 0 and "nothing stopped" in done.stderr, done)


def transcript():
    """The session of Documentation/runtime/debug.rst, as it is printed there."""
    with tempfile.TemporaryDirectory() as work:
        for options, run, commands in (
                ([], sums_arguments(work), [f"break {line('inner')}", "continue", "backtrace 2", "info threads",
                                            "print weighed", "set var weighed = 1000", "delete", "next",
                                            "info registers pc a0", "continue"]),
                (["--on-fault"], ["--kernel", "wild", KERNELS, "u64:0x123456000"],
                 ["info threads", "print where", "continue"])):
            session = Session(work, options, run)
            text = session.gdb("set trace-commands on", *commands)
            print(text[text.index("\n", text.index("No debugging symbols")) + 1:].replace(TOP + "/", ""))
            session.end()
    return 0


def main():
    if sys.argv[1:] == ["--transcript"]:
        return transcript()
    seed = int(os.environ.get("GAON_SEED", random.randrange(1 << 30)))
    print(f"# GAON_SEED={seed}")
    if not shutil.which("gdb-multiarch"):
        report("gdb-multiarch is there", False, "install the package gdb-multiarch (tools/setup/packages.txt)")
        return 1
    with tempfile.TemporaryDirectory() as work:
        test_session(work)
        test_workgroups(work)
        test_fault(work)
        test_mended(work)
        test_assertion(work)
        test_vectors(work)
        test_protocol(work, seed)
        test_interrupt(work)
        test_bad_input(work)
    return finish()


if __name__ == "__main__":
    sys.exit(main())
