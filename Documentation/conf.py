# SPDX-License-Identifier: MIT
"""Sphinx configuration: `make docs`."""
project = "Gaon"
author = "The Gaon authors"
copyright = "2026, the Gaon authors"  # pylint: disable=redefined-builtin
extensions = []
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px",
                      "description": "The open stack for an AI accelerator"}
html_show_sourcelink = False
exclude_patterns = []
suppress_warnings = ["toc.excluded"]
highlight_language = "c"
