#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""calls.py KIND HEADER OUT [HOOKS]: C text from every function that a public header declares, so that none can be left out.

names   assembler names of libgaon's own definitions, included in front of each of its files
table   struct gaon_calls: a pointer to each, and their numbers
entry   what libgaon exports: each function goes through the table
layer   for a tools library: each function tells when it began and ended, around the next one or around the tool's own
        hook_NAME(), if HOOKS declares one"""
import re
import sys


def declarations(path):
    """(result, name, parameters) of each GAON_API function, in the header's order."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    found = []
    for match in re.finditer(r"^GAON_API\s+([^;]+?)\s*;", text, re.M):
        words = " ".join(match.group(1).split())
        head = re.match(r"(.*?)\b(gaon_\w+)\s*\((.*)\)$", words)
        if not head:
            sys.exit(f"calls.py: {path}: not understood: {words}")
        found.append((head.group(1).strip(), head.group(2), head.group(3)))
    return found


def parameters(text):
    """The single parameters; commas inside parentheses are a function pointer's own."""
    parts, depth, start = [], 0, 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            parts.append(text[start:at])
            start = at + 1
    parts.append(text[start:])
    return [] if text.strip() == "void" else [part.strip() for part in parts]


def argument(parameter):
    """The name of one."""
    pointer = re.search(r"\(\*(\w+)\)\s*\(", parameter)
    return pointer.group(1) if pointer else re.search(r"(\w+)$", parameter).group(1)


def call(function, text):
    return f"{function}({', '.join(argument(p) for p in parameters(text))})"


def joined(result, name):
    """A declarator as the tree writes it."""
    return result + name if result.endswith("*") else f"{result} {name}"


def names(functions, header):
    yield f"#include <gaon/{header}>\n"
    for result, name, text in functions:
        yield f"{joined(result, name)}({text}) __asm__(\"{name}_own\");"


def table(functions, header):
    yield f"#ifndef GAON_CALLS_H\n#define GAON_CALLS_H\n\n#include <gaon/{header}>\n"
    yield "struct gaon_calls {"
    for _, name, _ in functions:
        yield f"\t__typeof__({name}) *{name[5:]};"
    yield "};\n\nenum gaon_call {"
    for _, name, _ in functions:
        yield f"\tGAON_CALL_{name[5:].upper()},"
    yield "\tGAON_CALLS\n};\n"
    yield "#define GAON_CALL_NAMES \\"
    for _, name, _ in functions:
        yield f"\t\"{name}\", \\"
    yield "\n#endif"


def entry(functions, _header):
    yield '#include "tools/tools.h"\n'
    for result, name, text in functions:
        yield f"extern __typeof__({name}) {name}_own;"
    yield "\nunion gaon_calls_pages gaon_calls __attribute__((aligned(GAON_CALLS_ALIGN))) = { .calls = {"
    for _, name, _ in functions:
        yield f"\t.{name[5:]} = {name}_own,"
    yield "} };"
    for result, name, text in functions:
        back = "" if result == "void" else "return "
        yield f"\nGAON_API {joined(result, name)}({text})\n{{\n\t{back}{call('gaon_calls.calls.' + name[5:], text)};\n}}"


def layer(functions, _header, hooks):
    with open(hooks, encoding="utf-8") as file:
        hooked = set(re.findall(r"\bhook_(\w+)\(", file.read()))
    known = {name[5:] for _, name, _ in functions}
    if hooked - known:
        sys.exit(f"calls.py: {hooks}: there is no {', '.join(sorted(hooked - known))}")
    yield f'#include "layer.h"\n#include "{hooks}"\n'
    for result, name, text in functions:
        short = name[5:]
        target = f"hook_{short}" if short in hooked else f"next.{short}"
        yield f"static {joined(result, 'layer_' + short)}({text})\n{{"
        yield "\tstruct layer_span span;"
        if result != "void":
            yield f"\t{joined(result, 'result')};"
        yield f"\n\tif (!layer_begin(&span, GAON_CALL_{short.upper()}))"
        plain = call("next." + short, text)
        yield f"\t\treturn {plain};" if result != "void" else f"\t{{\n\t\t{plain};\n\t\treturn;\n\t}}"
        done = call(target, text)
        yield f"\tresult = {done};" if result != "void" else f"\t{done};"
        status = "result" if result == "enum gaon_status" else "GAON_OK"
        yield f"\tlayer_end(&span, {status});"
        yield "\treturn result;\n}\n" if result != "void" else "}\n"
    yield "void layer_fill(struct gaon_calls *calls)\n{"
    for _, name, _ in functions:
        yield f"\tcalls->{name[5:]} = layer_{name[5:]};"
    yield "}"


KINDS = {"names": names, "table": table, "entry": entry, "layer": layer}


def main():
    if len(sys.argv) < 4 or sys.argv[1] not in KINDS or (len(sys.argv) == 5) != (sys.argv[1] == "layer"):
        sys.exit(__doc__)
    kind, header, out = sys.argv[1:4]
    text = "\n".join(KINDS[kind](declarations(header), header.rsplit("/", 1)[1], *sys.argv[4:]))
    with open(out, "w", encoding="utf-8") as file:
        file.write(f"/* SPDX-License-Identifier: MIT */\n/* Made by runtime/tools/calls.py. */\n{text}\n")


main()
