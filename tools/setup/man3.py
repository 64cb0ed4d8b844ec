#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""man3.py OUT: manual pages of section 3 for every function that the public headers declare, from the comments there.

A function's comment is the one above it, or above the functions that stand over it without an empty line."""
import os
import re
import sys

HEADERS = {"gaon.h": "libgaon", "ops.h": "libgaonops", "tensor.h": "libgaonops", "products.h": "libgaonops"}
DECLARATION = re.compile(r"^GAON_API\s+([^;]+?);", re.M)
STRUCTURE = re.compile(r"/\*\*\n \* (?:struct|enum) (\w+) - (.*?)\*/\n((?:struct|enum) \w+ \{.*?\n\});", re.S)


def escape(text):
    """Text as roff reads it."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def plain(comment):
    """The text of a comment, without its stars; lines with more than one blank at their start keep to themselves."""
    lines = comment.strip()[2:-2].strip("*").split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in lines).strip()


def comment_above(text, at):
    """The comment that belongs to what begins at @at; "" if there is none."""
    block = text[:at]
    gap = block.rfind("\n\n")
    end = block.rfind("*/")
    begin = block.rfind("/*", 0, end)
    if end < 0 or (gap > end):
        return ""
    between = block[end + 2:]
    if "{" in between or re.fullmatch(r"/\* -.*- ?\*/", block[begin:end + 2], re.S):
        return ""
    # A comment at the end of a line of code is about that line.
    if block[block.rfind("\n", 0, begin) + 1:begin].strip():
        return ""
    return block[begin:end + 2]


def first_sentence(text):
    """What a list of pages says of a function."""
    text = " ".join(text.split())
    end = re.search(r"(?<!e\.g)[.:;](?= |$)", text)
    text = text[:end.start()] if end else text
    # Whole words.
    return text if len(text) <= 150 else text[:150].rpartition(" ")[0].rstrip(",;:") + " ..."


def page(name, library, header, declaration, comment, structures, version):
    """A whole page."""
    text = plain(comment) if comment else ""
    brief = first_sentence(text) or f"function of {library}"
    brief = brief.replace("@", "")
    out = [f'.TH {name.upper()} 3 "" "Gaon {version}" "{library}"', ".SH NAME", f"{name} \\- {escape(brief)}",
           ".SH SYNOPSIS", ".nf", f"#include <gaon/{header}>", ".PP", escape(" ".join(declaration.split())) + ";", ".fi",
           f"Link with \\-l{library[3:]}.", ".SH DESCRIPTION"]
    for paragraph in (text or f"See the other functions of {header}.").split("\n\n"):
        out += [escape(re.sub(r"@(\w+)", r"\1", paragraph)), ".PP"]
    for used in dict.fromkeys(re.findall(r"(?:struct|enum) (\w+)", declaration)):
        if used in structures:
            about, body = structures[used]
            out += [f'.SH "{used.upper()}"', ".nf", escape(body.expandtabs(8)) + ";", ".fi", ".PP"]
            head, *members = re.split(r"^@", about, flags=re.M)
            out += [escape(head.strip().replace("@", "")), ".PP"]
            for member in members:
                names, _, meaning = member.partition(":")
                out += [".TP", ".I " + escape(names.replace("@", "")),
                        escape(" ".join(meaning.replace("@", "").split("\n\n")[0].split()))]
    if "enum gaon_status " in declaration:
        out += [".SH RETURN VALUE", "GAON_OK, or the status of what went wrong, which",
                ".BR gaon_last_error (3)", "tells in words, with what to do about it."]
    out += [".SH SEE ALSO", ".BR libgaon (3),", ".BR gaon (1)"]
    return "\n".join(line for line in out if line) + "\n"


def overview(text, names, version):
    """What holds for all functions, from the top of gaon.h; and their list."""
    top = plain(re.search(r"/\*\n \* libgaon.*?\*/", text, re.S)[0])
    out = [f'.TH LIBGAON 3 "" "Gaon {version}" libgaon', ".SH NAME", "libgaon \\- runtime of Gaon AI accelerators",
           ".SH SYNOPSIS", ".nf", "#include <gaon/gaon.h>", ".fi", "cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs gaon)",
           ".SH DESCRIPTION"]
    for paragraph in top.split("\n\n"):
        for line in paragraph.split("\n"):
            head = re.match(r"([A-Z]\w+)\.\s+(.*)", line)
            out += [".TP", f".B {head[1]}", escape(head[2])] if head else [escape(line.strip())]
        out.append(".PP")
    out += [".SH FUNCTIONS"] + [f".BR {name} (3)" + ("," if name != names[-1] else "") for name in names]
    out += [".SH SEE ALSO", ".BR gaon (1),", ".BR gaoncc (1)"]
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) != 3:
        print(__doc__.split("\n", maxsplit=1)[0], file=sys.stderr)
        return 2
    out, version = sys.argv[1:]
    tree = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    os.makedirs(out, exist_ok=True)
    texts, structures, names = {}, {}, []
    for header in HEADERS:
        with open(os.path.join(tree, "include/gaon", header), encoding="utf-8") as file:
            texts[header] = file.read()
        for name, about, body in STRUCTURE.findall(texts[header]):
            structures[name] = (plain("/*" + about + "*/"), body)
    for header, library in HEADERS.items():
        for found in DECLARATION.finditer(texts[header]):
            declaration = found[1]
            name = re.search(r"(\w+)\s*\(", declaration)[1]
            names.append(name)
            with open(os.path.join(out, f"{name}.3"), "w", encoding="utf-8") as file:
                file.write(page(name, library, header, declaration, comment_above(texts[header], found.start()),
                                structures, version))
    with open(os.path.join(out, "libgaon.3"), "w", encoding="utf-8") as file:
        file.write(overview(texts["gaon.h"], names, version))
    for old in set(os.listdir(out)) - {f"{name}.3" for name in [*names, "libgaon"]}:
        os.remove(os.path.join(out, old))
    return 0


if __name__ == "__main__":
    sys.exit(main())
