"""What README.md says is true: its commands, its examples, its links, its statuses."""

from __future__ import annotations

import doctest
import re
import runpy
from pathlib import Path

import pytest

import relubias as rb

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
GENERATED = ("_build", "auto_examples", "auto_tutorial", "generated", "templates")
PAGES += sorted(
    str(page.relative_to(ROOT))
    for page in (ROOT / "docs").rglob("*.md")
    if not any(part in GENERATED for part in page.parts)
)
INSTALL_AND_REPRODUCE = "python -m pip install . && relubias reproduce"
INSTALL_AND_TEST = 'python -m pip install ".[test]" && python -m pytest'


def text_of(document):
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(language, text=README):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_there_are_exactly_two_setup_commands():
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert commands == [INSTALL_AND_REPRODUCE, INSTALL_AND_TEST]


def test_continuous_integration_runs_the_second_command_verbatim():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"grep -m1 -E '([^']+)' README\.md", script)[1]
    matches = [line for line in README.splitlines() if re.search(pattern, line)]
    assert matches == [INSTALL_AND_TEST]
    assert 'bash -euo pipefail -c "$test_command"' in script


@pytest.mark.parametrize("document", [page for page in PAGES if "```python" in text_of(page)])
def test_python_examples_give_the_output_they_show(document):
    code = "\n".join(blocks("python", text_of(document)))
    test = doctest.DocTestParser().get_doctest(code, {}, document, document, 0)
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test)
    assert result.attempted > 1
    assert result.failed == 0


def without_numbers(text):
    return re.sub(r"\d+\.?\d*", "#", text)


def test_the_real_data_example_gives_the_output_it_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples" / "diabetes_fourier.py"), run_name="__main__")
    printed = capsys.readouterr().out
    block = next(b for b in blocks("text") if "examples/diabetes_fourier.py" in b)
    shown = block.split("\n", 1)[1]
    assert without_numbers(printed) == without_numbers(shown)
    for now, then in zip(printed.splitlines(), shown.splitlines(), strict=True):
        # counts of late switches may move with the last bits of a BLAS; distances may not
        for name in ("norm", r"switches,", "law:"):
            pair = [re.search(rf"{name} (\d+\.\d+)", line) for line in (now, then)]
            if all(pair):
                a, b = (float(match[1]) for match in pair)
                assert abs(a - b) <= 2e-3 * max(abs(b), 1.0)


@pytest.mark.parametrize("name", [*rb.Status.__members__, *rb.MinimumNormStatus.__members__])
def test_every_status_is_explained(name):
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("document", PAGES)
def test_links_lead_somewhere(document):
    text = text_of(document)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("http", "#")):
            assert ((ROOT / document).parent / target.split("#")[0]).exists(), target


def test_named_figures_exist():
    from relubias.experiments import KEYS

    assert set(re.findall(r"relubias reproduce --only (\w+)", README)) <= set(KEYS)
