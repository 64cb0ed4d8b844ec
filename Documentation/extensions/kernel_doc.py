# SPDX-License-Identifier: MIT
"""Directive kernel-doc: the comments of a C header, as the Linux kernel's own script understands them.

   .. kernel-doc:: include/uapi/drm/gaon_accel.h

Nothing is copied by hand: the script (Debian's package linux-kbuild-6.1) turns the comments into
reStructuredText, in the order of the file. Lines of the form ``/* --- title --- */`` become headings.
"""
import glob
import os
import re
import subprocess

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.errors import ExtensionError
from sphinx.util.nodes import nested_parse_with_titles

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_HEADING = re.compile(r"^/\* --- (.+?) -+ \*/$")
_LINE = re.compile(r"^\.\. LINENO (\d+)$")
# What the script makes of a DOC: comment's title.
_TITLE = re.compile(r"^\.\. _(.+):\n\n\*\*\1\*\*$", re.MULTILINE)


def script():
    """The path of the kernel's script."""
    found = os.environ.get("KERNEL_DOC") or next(iter(glob.glob("/usr/lib/linux-kbuild-6.1/scripts/kernel-doc")), None)
    if not found:
        raise ExtensionError("the kernel's script kernel-doc is not there: apt-get install linux-kbuild-6.1 perl, "
                             "or name it in the environment variable KERNEL_DOC")
    return found


def headings(path):
    """[(line, title)] of a file's parts."""
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    return [(number, found[1]) for number, found in enumerate(map(_HEADING.match, lines), 1) if found]


def render(path):
    """The reStructuredText of a header's comments; raises if the script finds something wrong with them."""
    done = subprocess.run(["perl", script(), "-rst", "-enable-lineno", "-sphinx-version", "5.3.0", path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode or done.stderr:
        raise ExtensionError(f"kernel-doc: {path}: {done.stderr or 'no output'}")
    text = _TITLE.sub(lambda found: f"{found[1]}\n{'-' * len(found[1])}", done.stdout)
    parts, out = headings(path), []
    for line in text.split("\n"):
        place = _LINE.match(line)
        while place and parts and int(place[1]) > parts[0][0]:
            title = parts.pop(0)[1].capitalize()
            out += ["", title, "-" * len(title), ""]
        if not place:
            out.append(line)
    return out


class KernelDoc(Directive):
    """.. kernel-doc:: file below the source tree"""
    required_arguments = 1
    has_content = False

    def run(self):
        """Called by docutils."""
        path = os.path.join(TREE, self.arguments[0])
        self.state.document.settings.env.note_dependency(path)
        section = nodes.section()
        section.document = self.state.document
        nested_parse_with_titles(self.state, StringList(render(path), source=path), section)
        return section.children


def setup(app):
    """Called by Sphinx."""
    app.add_directive("kernel-doc", KernelDoc)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
