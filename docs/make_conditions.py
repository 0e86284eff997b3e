"""Write ``docs/conditions.md`` from the docstrings of the statements and from three examples.

python docs/make_conditions.py
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path

import relubias as rb
from relubias.theory import Report, Role, lai2026

PAGE = Path(__file__).parent / "conditions.md"
LEFT_OUT = {"Raises", "References", "Examples", "See Also"}

HEAD = """\
# Conditions: every statement of the paper, with its margins

Written by `python docs/make_conditions.py` from the docstrings of `relubias.theory.lai2026` and
from three runs; not edited by hand. The paper: K.-W. Lai, G. Wang, M. Tao, V. Muthukumar, COLT
2026, arXiv 2603.04895.

`rb.check` asks all of these of one problem, start and step size, in one run; each can be asked
alone:

```python
>>> import relubias as rb
>>> law = rb.ensembles.Gaussian(rb.ensembles.isotropic(2000))
>>> labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0)(20, seed=0)
>>> problem = rb.Problem(law.sample_gram(20, seed=0), labels)
>>> start = rb.starts.all_positive(problem, 0.005)
>>> report = rb.check(problem, start, step_size=0.9 / law.trace, spectrum=law)
>>> for name in ("assumption2.d_2", "theorem1.explicit", "theorem1.certificate", "theorem1"):
...     verdict = report["lai2026." + name]
...     print(f"{name}: {verdict.role} {verdict.outcome}")
assumption2.d_2: hypothesis fails
theorem1.explicit: guarantee not met
theorem1.certificate: guarantee not met
theorem1: conclusion holds
>>> lemma = rb.theory.lai2026.Lemma9(active=0.5)
>>> lemma.check(problem, start, step_size=0.9 / law.trace)[0].outcome
'holds'

```

Here the assumptions fail, and the conclusion holds.

## How to read a verdict

"""

FIELDS = {
    "`margin`": "signed and dimensionless: positive where the condition holds, negative where it "
    "fails, in the unit named below and in `detail`; infinite where nothing had to be shown",
    "`rounding_error`": "how far `margin` may be off, by rounding or because something is not "
    "known: an effective dimension without the spectrum, the steps after the end of a run without "
    "a certificate",
    "`holds`": "**True**: `margin` is above its error. **False**: it is below minus its error, or "
    "exactly zero; conditions are strict. **None**: zero is within the error, so floating-point "
    "numbers, or this run, cannot tell",
    "`step`, `neuron`, `sample`": "where the margin is smallest; -1 for what does not apply",
    "`first_violation`": "for invariants, the first step at which the margin was not positive",
    "`constants`": "every constant that the paper leaves unspecified, with the value used",
    "`role`": "what kind of claim it is, see below",
}

ROLES = {
    Role.HYPOTHESIS: "an assumption of the statement fails with these constants; the conclusion "
    "may hold all the same",
    Role.CONCLUSION: "what the statement claims did not happen on this problem",
    Role.INVARIANT: "at some step of this run the claim was violated; `first_violation` says where",
    Role.GUARANTEE: "nothing: a sufficient condition, computed before a step is taken, is not met. "
    "True is a proof for this data set",
}

TAIL = """
Symbols: L is the trace of the feature covariance, kappa the step size times L, eps the initial
predictions, rho = max eps / y_min, G the Gram matrix, E = G/L - I, delta its operator norm,
delta_star = delta sqrt(n) y_max / y_min; alpha are primal and beta dual variables (see
[notation.md](notation.md)). Constants are keyword arguments of the classes; how much room they
have is measured by `relubias reproduce --only tightness`, and how far hypotheses and guarantees
are from necessary by `relubias reproduce --only reach` (see [findings.md](findings.md)).

In the tables below, "on an example" is what a run with n = 6 and d = 10^7 answers: of one neuron
where the statement applies to one, else of three neurons, else of a pair of opposite signs.
"""


def examples() -> list[Report]:
    """Check one neuron, a pair of opposite signs and three neurons."""
    d, n = 10**7, 6
    law = rb.ensembles.Gaussian(rb.ensembles.isotropic(d))
    labels = rb.ensembles.labels.uniform_magnitude(0.5, 1.0)(n, seed=0)
    gram = law.sample_gram(n, seed=0)
    reports: list[Report] = []
    for signs in ((1,), (1, -1), (1, 1, -1)):
        problem = rb.Problem(gram, labels, signs)
        if len(signs) < 3:
            start = rb.starts.all_positive(problem, 0.005)
        else:
            owners = [0 if label > 0 else 2 for label in labels]
            start = rb.starts.disjoint(problem, owners, 0.005, parked=0.2)
        reports.append(rb.check(problem, start, step_size=0.9 / d, spectrum=law))
    return reports


def mathematics(text: str) -> str:
    """Return LaTeX as Markdown renderers take it, bars included."""
    return " ".join(text.replace("\\|", "\\Vert ").replace("|", "\\vert ").split())


def inline(text: str) -> str:
    """Return running text with roles and literals as Markdown."""
    text = re.sub(r":math:`([^`]+)`", lambda m: f"${mathematics(m[1])}$", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    return re.sub(r"(?<![`$])`([\w.]+)`", r"`\1`", text)


def sections(docstring: str) -> dict[str, list[str]]:
    """Split a numpydoc docstring into the lines of its sections; the first has no name."""
    parts: dict[str, list[str]] = {"": []}
    name, lines = "", docstring.splitlines()
    for k, line in enumerate(lines):
        following = lines[k + 1] if k + 1 < len(lines) else ""
        if line and set(following) == {"-"} and len(following) == len(line):
            name = line
            parts[name] = []
        elif not (set(line) == {"-"} and lines[k - 1] == name):
            parts[name].append(line)
    return parts


def is_rule(line: str) -> bool:
    """Whether a line is the rule of a table."""
    return line.startswith("=====") and set(line) == {"=", " "}


def table(block: list[str]) -> str:
    """Return a table between rules of equal signs as Markdown; cells are two spaces apart."""
    parts: list[list[list[str]]] = []
    for line in block:
        if is_rule(line):
            parts.append([])
        elif line.startswith(" "):  # goes on with the last cell
            parts[-1][-1][-1] += f" {line.strip()}"
        else:
            parts[-1].append([c.lstrip("\\") for c in re.split(r"\s{2,}", line.strip())])
    has_head = len(parts) == 3
    head = parts[0][0] if has_head else ["part", "claim"]
    rows = [f"| {' | '.join(map(inline, row))} |" for row in [head, *parts[has_head]]]
    return "\n".join([rows[0], "|" + "---|" * len(head), *rows[1:]])


def blocks(lines: list[str]) -> list[str]:
    """Return paragraphs, displays, lists and tables as Markdown."""
    found: list[str] = []
    current: list[str] = []
    for line in [*lines, ""]:
        # An indented line after a blank one goes on with a display.
        goes_on = bool(found) and line.startswith(" ") and not current
        if line.strip():
            if goes_on and found[-1].startswith("$$"):
                found[-1] = found[-1].removesuffix("\n$$") + f" {mathematics(line)}\n$$"
            else:
                current.append(line)
        elif current:
            found.append(block(current))
            current = []
    return found


def block(lines: list[str]) -> str:
    """Return one block."""
    if is_rule(lines[0]):
        return table(lines)
    if lines[0].startswith(".. math::"):
        text = mathematics("\n".join([lines[0].removeprefix(".. math::"), *lines[1:]]))
        if "&" in text:
            text = rf"\begin{{aligned}} {text} \end{{aligned}}"
        return f"$$\n{text}\n$$"
    if lines[0].startswith("* "):
        items = re.split(r"(?:^|\n)\* ", "\n".join(lines))[1:]
        return "\n".join(f"- {inline(' '.join(item.split()))}" for item in items)
    return inline(" ".join(line.strip() for line in lines))


def parameters(lines: list[str]) -> str:
    """Return the constants of a statement as a table."""
    rows: list[list[str]] = []
    for line in lines:
        if line and not line.startswith(" "):
            name, _, kind = line.partition(" : ")
            rows.append([name, kind.partition("default=")[2] or "see right", ""])
        elif line.strip():
            rows[-1][2] = f"{rows[-1][2]} {line.strip()}".strip()
    body = "\n".join(f"| `{name}` | {default} | {inline(text)} |" for name, default, text in rows)
    return f"| constant | default | meaning |\n|---|--:|---|\n{body}"


def verdicts_of(name: str, reports: list[Report]) -> list[str]:
    """Return a row for each condition: from one neuron if it has it, else from the last report."""
    for report in (*reports[:1], *reversed(reports)):
        own = [v for v in report.verdicts if f"{v.condition}.".startswith(f"{name}.")]
        if own:
            return [
                f"| `{v.condition}` | {v.role} | {v.outcome}, {v.margin:.2g} | {cell(v.detail)} |"
                for v in own
            ]
    raise LookupError(f"no example has {name}")


def cell(text: str) -> str:
    """Return a sentence as the cell of a table."""
    return text.replace("|", "\\|").replace("*", "\\*").replace("_", "\\_")


def section(statement: type, reports: list[Report]) -> str:
    """Return one statement: what it says, its constants and its conditions."""
    parts = sections(inspect.getdoc(statement) or "")
    number = re.sub(r"(\d+)$", r" \1", statement.__name__)
    title = statement.title
    lines = [f"## {number}: {title}", f"`relubias.theory.lai2026.{statement.__name__}`"]
    lines += blocks(parts[""])
    for name, own in parts.items():
        if name == "Parameters":
            lines.append(parameters(own))
        elif name and name not in LEFT_OUT:
            lines += blocks(own)
    rows = "\n".join(verdicts_of(statement.name, reports))
    lines.append(
        f"| condition | role | on an example: outcome, margin | what it says there |\n"
        f"|---|---|---|---|\n{rows}"
    )
    return "\n\n".join(lines) + "\n"


def page() -> str:
    """Return the page."""
    reports = examples()
    text = "\n".join(section(statement, reports) for statement in lai2026.STATEMENTS)
    fields = two_columns("field", "meaning", FIELDS)
    roles = two_columns("role", "a False means", ROLES)
    return f"{HEAD}{fields}\n{roles}{TAIL}\n{text}"


def two_columns(first: str, second: str, rows: Mapping[str, str]) -> str:
    """Return a table of two columns."""
    body = "".join(f"| {name} | {text} |\n" for name, text in rows.items())
    return f"| {first} | {second} |\n|---|---|\n{body}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
