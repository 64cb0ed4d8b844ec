#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The demo of a language model as a person meets it: an answer, its JSON against the schema, every operator on
the device, and wrong usage."""
import json
import os
import re
import subprocess

import jsonschema

import llm_kit

DEMO = [*llm_kit.LLAMA, os.path.join(llm_kit.BUILD, "frameworks", "gaon-demo-llm")]


def run(*args, **extra_env):
    return subprocess.run([*DEMO, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=150, check=False, env=dict(os.environ, **extra_env))


def main():
    results = llm_kit.Results()
    report = results.report
    os.environ["GAON_LLM"] = llm_kit.model()
    done = run("--tokens=8", "--threads=1", "--json", "What is the capital of France?")
    report("answers", done.returncode == 0 and not done.stderr, f"exit {done.returncode}: {done.stderr}")
    if done.returncode == 0:
        result = json.loads(done.stdout)
        with open(os.path.join(llm_kit.TOP, "tools/gaon/schema/demo-llm.json"), encoding="utf-8") as file:
            jsonschema.validate(result, json.load(file))
        gaon, processor = result["gaon"], result["processor"]
        report("with the answer that is known", "Paris" in gaon["text"], gaon["text"])
        report("every operator ran on the device", gaon["device_nodes"] == gaon["nodes"] > 1000,
               f"{gaon['device_nodes']} of {gaon['nodes']}")
        report("none of the processor's did", processor["device_nodes"] == 0)
        report("both computed as many", gaon["prompt"]["tokens"] == processor["prompt"]["tokens"] > 5)
        report("the device's clock went on", gaon["answer"]["device_seconds"] > 0)
    # The first token of the answer is a part of a character, as is the last byte of the prompt.
    done = run("--tokens=1", "--threads=1", "--json", b"Answer with one emoji of a llama and nothing else: \xf0\x9f\xa6\x99 caf\xc3")
    result = json.loads(done.stdout) if done.returncode == 0 and done.stdout.strip() else {}
    report("what is no character is marked as such", result.get("prompt", "").endswith("\U0001f999 caf\ufffd") and
           "text" in result["gaon"], done.stdout + done.stderr)
    done = run("--tokens=2", "--threads=1", "Hello")
    report("prints a table", done.returncode == 0 and re.search(r"^operators on the device: 100\.0 %", done.stdout, re.M),
           done.stdout + done.stderr)
    done = run("--tokens=2", "--threads=1", "--no-processor", "--json", "Hello")
    report("without the processor", done.returncode == 0 and "processor" not in json.loads(done.stdout), done.stdout + done.stderr)
    done = run("--tokens=0")
    report("a number that cannot be", done.returncode == 2 and "--tokens=0 is not a number" in done.stderr, done.stderr)
    done = run("--model=/nonexistent.gguf")
    report("a model that is not there", done.returncode == 1 and "cannot be loaded" in done.stderr, done.stderr)
    done = run("--plugin=/nonexistent.so")
    report("a plug-in that is not there", done.returncode == 1 and "no Gaon device" in done.stderr, done.stderr)
    results.end()


main()
