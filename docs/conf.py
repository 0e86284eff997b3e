"""How Sphinx builds these pages: `just docs`. Nothing is fetched, neither now nor by a reader."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import relubias

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from names import type_links

project = "relubias"
author = "The relubias developers"
project_copyright = author
version = release = relubias.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "command_help",
    "included",
    "local_mathjax",
    "names",
]
exclude_patterns = [
    "_build",
    "templates",
    "tutorial",
    "auto_*/**/*.py.md5",
    "auto_*/**/*.codeobj.json",
    "auto_*/**/*.ipynb",
    "auto_*/**/*.py",
]
templates_path = ["_templates"]
nitpicky = True
default_role = "name"  # `x` in a docstring: a link where x is documented, else code

# MyST: pages are Markdown
myst_enable_extensions = ["dollarmath", "colon_fence", "tasklist"]
myst_heading_anchors = 4

# Reference, from docstrings
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_typehints = "none"  # types stand in the docstrings
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_attributes_as_param_list = True
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = type_links()

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": ["../examples", "tutorial"],
    "gallery_dirs": ["auto_examples", "auto_tutorial"],
    "filename_pattern": r"[\\/]plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "plot_gallery": "True",
    "abort_on_example_error": True,
    "matplotlib_animations": False,
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib", "gallery_look.apply"),
    "backreferences_dir": None,
    "capture_repr": ("_repr_html_", "__repr__"),
    "first_notebook_cell": "%matplotlib inline",
    "min_reported_time": 1e9,  # times of a shared machine say nothing
    "remove_config_comments": True,
    "write_computation_times": False,  # that page would load its tables from elsewhere
}

# Pages
html_theme = "pydata_sphinx_theme"
html_title = "relubias"
html_static_path = ["_static"]
html_css_files = ["relubias.css"]
html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "relubias",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
    },
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "show_toc_level": 2,
}
html_sidebars = {page: [] for page in ("index", "auto_tutorial/plot_diabetes", "search")}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
