# SPDX-License-Identifier: MIT
"""Running `gaon` on recorded trees, and a line of TAP for each thing that is looked at."""
import json
import os
import re
import subprocess

import jsonschema

TOP = os.environ["GAON_SOURCE_DIR"]
GAON = os.path.join(os.environ["GAON_BUILD_DIR"], "bin", "gaon")
PATIENCE = float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))
COUNT = 0
FAILED = 0


def report(name, good, detail=""):
    """A line of TAP; returns whether it is good."""
    global COUNT, FAILED  # pylint: disable=global-statement
    COUNT += 1
    FAILED += not good
    print(f"{'ok' if good else 'not ok'} {COUNT} - {name}{'' if good else ': ' + str(detail)[:4000]}", flush=True)
    return good


def run(root, *args, **more):
    """A command that sees the machine recorded in root; more of its environment."""
    environment = {key: value for key, value in os.environ.items() if key != "GAON_DEVICE"}
    environment["GAON_ROOT"] = root
    return subprocess.run([GAON, *args], capture_output=True, text=True, timeout=120 * PATIENCE, check=False,
                          stdin=subprocess.DEVNULL, env={**environment, **more})


def expect(root, name, code, *args, out="", err=""):
    """Exit status and what must stand in its output."""
    done = run(root, *args)
    report(name, done.returncode == code and re.search(out, done.stdout) and re.search(err, done.stderr),
           f"exit {done.returncode}, stdout {done.stdout!r}, stderr {done.stderr!r}")
    return done


def document(root, *args, code=0):
    """The JSON of a command, which fits the schema of its name."""
    done = run(root, args[0], "--json", *args[1:])
    try:
        jsonschema.validate(json.loads(done.stdout), schema_of(args[0]))
        report(f"gaon {' '.join(args[:3])} --json fits its schema", done.returncode == code,
               f"exit {done.returncode}: {done.stderr}")
        return json.loads(done.stdout)
    except (ValueError, jsonschema.ValidationError) as error:
        report(f"gaon {' '.join(args[:3])} --json fits its schema", False, f"{error}\n{done.stderr}")
        return None


class Live:
    """A command that runs while its tree is changed; lines of its standard output as they come."""

    def __init__(self, root, *args, **more):
        self.process = subprocess.Popen([GAON, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        stdin=subprocess.DEVNULL, env={**os.environ, "GAON_ROOT": root}, **more)

    def line(self):
        """The next line; "" at the end."""
        return self.process.stdout.readline()

    def until(self, wanted, most=2000):
        """Lines up to the first that wanted() likes, which is returned; None: it never came."""
        for _ in range(most):
            line = self.line()
            if not line:
                return None
            if wanted(line):
                return line
        return None

    def end(self):
        """Exit status and standard error."""
        _, err = self.process.communicate(timeout=60 * PATIENCE)
        return self.process.returncode, err


def schema_of(name):
    """The schema of a command's documents."""
    with open(os.path.join(TOP, "tools/gaon/schema", name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def finish():
    """Exit status of the test."""
    return 1 if FAILED else 0
