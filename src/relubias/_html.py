"""HTML by hand: a page, a tag, and mathematics as people write it in plain text."""

from __future__ import annotations

import re
from html import escape
from string import Template

__all__ = ["escape", "minus", "page", "prose", "tag"]

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
$style
</style>
</head>
<body>
<header><h1>$title</h1><p class="about">$about</p></header>
<main>
$body
</main>
</body>
</html>
""")

_STYLE = """
:root { --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d8dee4; --tint: #f5f7f9;
  --link: #0550ae; --agrees: #0a6b4a; --differs: #a33c00; --beyond: #0550ae; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7eb; --soft: #a2abb5; --paper: #14181d;
  --line: #353c45; --tint: #1d232a; --link: #7cb7ff; --agrees: #57d3a3; --differs: #ff9f66;
  --beyond: #7cb7ff; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header, main { max-width: 56rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2rem; }
main { padding-bottom: 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .25rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p { margin: .5rem 0; }
a { color: var(--link); }
.about, .provenance, figcaption, .missing { color: var(--soft); font-size: .9rem; }
nav, .differences { background: var(--tint); border: 1px solid var(--line); border-radius: .5rem;
  padding: 1rem 1.25rem; margin: 1.5rem 0; }
.differences { border-left: .3rem solid var(--differs); }
nav ul { list-style: none; margin: .5rem 0 0; padding: 0; }
nav li { padding: .2rem 0; }
.differences ul { margin: .5rem 0 0; padding-left: 1.2rem; }
.differences li + li { margin-top: .5rem; }
main > section[id] { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.75rem;
  scroll-margin-top: 1rem; }
figure { margin: 1rem 0; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: .4rem;
  border: 1px solid var(--line); padding: .5rem; }
sub, sup { line-height: 0; }
figcaption { margin-top: .5rem; }
.verdict { list-style: none; padding: 0; margin: .5rem 0 1rem; }
.verdict li { margin: .4rem 0; }
.badge { display: inline-block; white-space: nowrap; font-size: .75rem; font-weight: 600;
  border: 1px solid currentColor; border-radius: 1rem; padding: 0 .55rem; line-height: 1.4rem; }
.agrees { color: var(--agrees); } .differs { color: var(--differs); }
.goes-beyond { color: var(--beyond); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; white-space: nowrap; }
.num { font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--link); }
code { background: var(--tint); border: 1px solid var(--line); border-radius: .3rem;
  padding: .1rem .35rem; font-size: .875em; overflow-wrap: anywhere; }
.nb { white-space: nowrap; }
@media (max-width: 40rem) { body { font-size: .95rem; } h1 { font-size: 1.4rem; }
  figure { overflow-x: auto; } figure img { min-width: 34rem; } }
@media print { nav { break-after: page; } section { break-inside: avoid; } }
"""

_GREEK = {
    "lambda": "λ",
    "kappa": "κ",
    "beta": "β",
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "eta": "η",
    "rho": "\N{GREEK SMALL LETTER RHO}",
    "eps": "ε",
}
_WORDS = re.compile(rf"\b({'|'.join(_GREEK)})(?=\b|_)")
_SUBSCRIPT = re.compile(r"(?<=[\w‖])_([+-](?!\w)|[A-Za-z0-9]+)")
_POWER = re.compile(r"\^(\d+)")
_NEGATIVE = re.compile(r"(?<![\w-])-(?=[\d.])")
_SCIENTIFIC = re.compile(r"\b([\d.]+)e([+-]?)0*(\d+)\b")


def page(title: str, about: str, body: str) -> str:
    """Return a whole document; `body` is markup, the rest is text."""
    return _PAGE.substitute(
        title=escape(title), about=escape(about), style=_STYLE.strip(), body=body
    )


def tag(name: str, content: str, kind: str = "") -> str:
    """Return one element around markup."""
    attribute = f' class="{kind}"' if kind else ""
    return f"<{name}{attribute}>{content}</{name}>"


def minus(text: str) -> str:
    """Return a number with a true minus sign."""
    return text.replace("-", "\N{MINUS SIGN}")


def prose(text: str) -> str:
    """Return text as markup, with ``||lambda||_1`` and ``y_-`` as mathematics."""
    marked = escape(text, quote=False).replace("||", "‖").replace("sqrt(", "√(")
    marked = _WORDS.sub(lambda match: _GREEK[match[1]], marked)
    marked = _SUBSCRIPT.sub(lambda match: f"<sub>{minus(match[1])}</sub>", marked)
    marked = _POWER.sub(r"<sup>\1</sup>", marked)
    marked = _SCIENTIFIC.sub(_power_of_ten, marked)
    marked = _NEGATIVE.sub(minus("-"), marked)
    marked = marked.replace("-&gt;", "→").replace("&lt;=", "≤").replace("&gt;=", "≥")
    return marked.replace("w*", '<span class="nb">w*</span>')


def _power_of_ten(match: re.Match[str]) -> str:
    factor = "" if match[1] == "1" else f"{match[1]} \N{MULTIPLICATION SIGN} "
    return f"{factor}10<sup>{minus(match[2]).replace('+', '')}{match[3]}</sup>"
