#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the written specification (Documentation/hw) and the headers (include/hw) to each other.

* Every table row whose first cell is ``GAON_NAME`` and whose second is a number must give the value that
  the compiler gives.
* Every integer constant and every structure of include/hw must stand in such a table
  (Documentation/hw/constants.rst is the complete list), with every field's offset and size.
* No table names a constant or a field that the headers do not have.

--write prints constants.rst anew, for the one who changes a header: read the difference before committing it.
"""
import argparse
import glob
import os
import re
import shlex
import subprocess
import sys
import tempfile

TOP = os.environ.get("GAON_SOURCE_DIR") or os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
HEADERS = sorted(glob.glob(os.path.join(TOP, "include/hw/gaon_*.h")))
CC = shlex.split(os.environ.get("CC", "clang-22"))

DEFINE = re.compile(r"^#define[ \t]+(GAON_[A-Z0-9_]+)[ \t]+(\S.*)$", re.M)
STRUCT = re.compile(r"^struct (gaon_\w+) \{(.*?)^\};", re.M | re.S)
FIELD = re.compile(r"^\s*(?:const\s+)?(?:struct\s+)?\w+\s+(\w[^;]*);", re.M)
ROW = re.compile(r"^\s*(?:\*\s+-|\|)?\s*``(GAON_[A-Z0-9_]+)``\s*\|?\s+(?:-\s+)?(0x[0-9a-fA-F]+|\d+)\b")
LIST_NAME = re.compile(r"^\s*\*\s+-\s+``(GAON_[A-Z0-9_]+)``\s*$")
LIST_VALUE = re.compile(r"^\s*-\s+(0x[0-9a-fA-F]+|\d+)\b")
FIELD_ROW = re.compile(r"^``(gaon_\w+)\.(\w+)``\s+(\d+)\s+(\d+)")
SIZE_ROW = re.compile(r"^``(gaon_\w+)``\s+(\d+)")


def strip_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def struct_fields(body):
    body = re.sub(r"union \{.*?\};", " ", body, flags=re.S)
    for declaration in FIELD.findall(body):
        for name in declaration.split(","):
            name = re.sub(r"[\s*]", "", name)
            if name.endswith("[]"):
                continue
            yield re.sub(r"\[.*", "", name)


def read_headers():
    """[(header, [constants], [(struct, [fields])])]"""
    out = []
    for header in HEADERS:
        with open(header, encoding="utf-8") as file:
            raw = file.read()
        text = strip_comments(raw)
        names = [name for name, value in DEFINE.findall(text) if not value.startswith('"')]
        structs = [(name, list(struct_fields(body))) for name, body in STRUCT.findall(text)]
        out.append((os.path.basename(header), names, structs))
    return out


def ask_compiler(headers):
    """Values of all constants, (offset, size) of all fields and size of all structures, as compiled."""
    lines = ["#include <stdio.h>", "#include <stddef.h>"]
    lines += [f'#include "hw/{name}"' for name, _, _ in headers]
    lines.append("int main(void) {")
    for _, names, structs in headers:
        lines += [f'printf("c {n} %llu\\n", (unsigned long long)({n}));' for n in names]
        for struct, fields in structs:
            lines.append(f'printf("s {struct} %zu 0\\n", sizeof(struct {struct}));')
            lines += [f'printf("f {struct}.{f} %zu %zu\\n", offsetof(struct {struct}, {f}), '
                      f'sizeof(((struct {struct} *)0)->{f}));' for f in fields]
    lines.append("return 0; }")
    with tempfile.TemporaryDirectory() as work:
        source, program = os.path.join(work, "ask.c"), os.path.join(work, "ask")
        with open(source, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
        subprocess.run([*CC, "-I", os.path.join(TOP, "include"), "-o", program, source], check=True)
        text = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    constants, sizes, fields = {}, {}, {}
    for line in text.splitlines():
        kind, name, *numbers = line.split()
        if kind == "c":
            constants[name] = int(numbers[0])
        elif kind == "s":
            sizes[name] = int(numbers[0])
        else:
            fields[name] = (int(numbers[0]), int(numbers[1]))
    return constants, sizes, fields


def chapters():
    for path in sorted(glob.glob(os.path.join(TOP, "Documentation/hw/*.rst"))):
        with open(path, encoding="utf-8") as file:
            yield os.path.basename(path), file.read().splitlines()


def check(headers, constants, sizes, fields):
    errors, seen, rows = [], set(), 0
    for chapter, lines in chapters():
        for number, line in enumerate(lines, 1):
            where = f"Documentation/hw/{chapter}:{number}"
            following = lines[number] if number < len(lines) else ""
            row = ROW.match(line)
            name = value = None
            if row:
                name, value = row.group(1), int(row.group(2), 0)
            elif LIST_NAME.match(line) and LIST_VALUE.match(following):
                name = LIST_NAME.match(line).group(1)
                value = int(LIST_VALUE.match(following).group(1), 0)
            if name:
                rows += 1
                seen.add(name)
                if name not in constants:
                    errors.append(f"{where}: {name} is in no header")
                elif constants[name] != value:
                    errors.append(f"{where}: {name} is {value:#x} here and {constants[name]:#x} in the header")
            row = FIELD_ROW.match(line)
            if row:
                rows += 1
                key = f"{row.group(1)}.{row.group(2)}"
                seen.add(key)
                got = (int(row.group(3)), int(row.group(4)))
                if fields.get(key) != got:
                    errors.append(f"{where}: {key} is at {got} here and {fields.get(key)} in the header")
            row = SIZE_ROW.match(line)
            if row:
                rows += 1
                seen.add(row.group(1))
                if sizes.get(row.group(1)) != int(row.group(2)):
                    errors.append(f"{where}: {row.group(1)} has {row.group(2)} bytes here and "
                                  f"{sizes.get(row.group(1))} in the header")
    for name in [*constants, *sizes, *fields]:
        if name not in seen:
            errors.append(f"Documentation/hw: {name} of include/hw is in no table (spec_test.py --write shows the rows)")
    return errors, rows


def table(rows, heads):
    widths = [max(len(str(row[i])) for row in [heads, *rows]) for i in range(len(heads))]
    bar = "  ".join("=" * w for w in widths)
    text = [bar, "  ".join(h.ljust(w) for h, w in zip(heads, widths)).rstrip(), bar]
    text += ["  ".join(str(c).ljust(w) for c, w in zip(row, widths)).rstrip() for row in rows]
    return text + [bar, ""]


def write(headers, constants, sizes, fields):
    out = [".. SPDX-License-Identifier: MIT", "", "Constants and layouts", "=====================", "",
           "Every constant and structure that two sides share, header by header. The chapters say what they mean;",
           "a test compares this list, and every table of the chapters, with what the compiler makes of ``include/hw``.", ""]
    for header, names, structs in headers:
        out += [header, "-" * len(header), ""]
        rows = [(f"``{n}``", hex(constants[n])) for n in names if n in constants]
        if rows:
            out += table(rows, ("name", "value"))
        for struct, members in structs:
            out += [f"``struct {struct}``", ""]
            rows = [(f"``{struct}``", sizes[struct], "")]
            out += table([(f"``{struct}``", sizes[struct])], ("structure", "bytes"))
            rows = [(f"``{struct}.{m}``", *fields[f"{struct}.{m}"]) for m in members]
            if rows:
                out += table(rows, ("field", "offset", "bytes"))
    print("\n".join(out).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="print constants.rst as it should be")
    options = parser.parse_args()
    headers = read_headers()
    answer = ask_compiler(headers)
    if options.write:
        write(headers, *answer)
        return 0
    errors, rows = check(headers, *answer)
    print("\n".join(errors))
    print(f"{rows} table rows compared with {len(answer[0])} constants, {len(answer[1])} structures")
    print(f"{'not ok' if errors else 'ok'} 1 - the specification's tables agree with include/hw")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
