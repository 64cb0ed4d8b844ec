#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every message of the kernel module and every reason why a card cannot be opened is in
Documentation/admin/messages.rst, and nothing else is. `--list` prints what the sources have."""
import glob
import os
import re
import sys

TREE = os.environ.get("GAON_SOURCE_DIR",
                      os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
PAGE = "Documentation/admin/messages.rst"
_CALL = re.compile(r"\b(?:drm|dev|pr)_(?:err|warn|notice|info|crit|alert|emerg)(?:_ratelimited|_once|_probe)?\s*\(|\bwhy_set\s*\(")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_SPEC = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?(?:hh|h|ll|l|z|j)?[a-zA-Z](?:(?<=p)[a-zA-Z]+)?")


def arguments(text, start):
    """The text of a call's arguments, which begin at @start."""
    depth, at, quoted = 1, start, False
    while depth:
        char = text[at]
        if quoted:
            if char == "\\":
                at += 1
            elif char == '"':
                quoted = False
        elif char == '"':
            quoted = True
        elif char in "()":
            depth += 1 if char == "(" else -1
        at += 1
    return text[start:at - 1]


def first_string(text):
    """The first string literal of a call's arguments, with those that follow it directly."""
    found = _STRING.search(text)
    if not found:
        return None
    out, at = found[1], found.end()
    while True:
        more = re.compile(r'\s*"((?:[^"\\]|\\.)*)"').match(text, at)
        if not more:
            return out
        out, at = out + more[1], more.end()


def plain(text):
    """A format as the page writes it."""
    return re.sub(r"\s+", " ", _SPEC.sub("…", text.replace("\\n", "").replace('\\"', '"'))).strip()


def in_sources():
    """{message: where}"""
    out = {}
    for path in sorted(glob.glob(os.path.join(TREE, "driver", "*.c")) + [os.path.join(TREE, "runtime/winsys/drm_why.c")]):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for call in _CALL.finditer(text):
            string = first_string(arguments(text, call.end()))
            if string and plain(string) != "…":
                out.setdefault(plain(string), f"{os.path.relpath(path, TREE)}:{text.count(chr(10), 0, call.start()) + 1}")
    return out


def in_page():
    """The messages that the page explains: lines of its own that are a literal at the left margin."""
    with open(os.path.join(TREE, PAGE), encoding="utf-8") as file:
        return {plain(found) for found in re.findall(r"^``(.+)``$", file.read(), re.MULTILINE)}


def main():
    sources = in_sources()
    if sys.argv[1:] == ["--list"]:
        for text, where in sources.items():
            print(f"{where}: {text}")
        return 0
    page = in_page()
    missing = [f"{where}: not explained in {PAGE}: ``{text}``" for text, where in sources.items() if text not in page]
    stale = [f"{PAGE}: nothing says this any more: ``{text}``" for text in sorted(page - set(sources))]
    if len(sources) < 30:
        missing.append(f"only {len(sources)} messages found: this test does not understand the sources any more")
    print("\n".join(missing + stale + [f"100%: Checks: {len(sources)}, Failures: {len(missing) + len(stale)}, Errors: 0"]))
    return 1 if missing or stale else 0


if __name__ == "__main__":
    sys.exit(main())
