# SPDX-License-Identifier: MIT
"""Sphinx configuration: `make docs`."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "extensions"))

project = "Gaon"
author = "The Gaon authors"
copyright = "2026, the Gaon authors"  # pylint: disable=redefined-builtin
extensions = ["kernel_doc"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px",
                      "description": "The open stack for an AI accelerator"}
html_show_sourcelink = False
exclude_patterns = ["extensions"]
suppress_warnings = ["toc.excluded"]
highlight_language = "c"
