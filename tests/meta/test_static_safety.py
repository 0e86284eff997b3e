"""Nothing in the package can run code that comes from a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import relubias

ROOT = Path(relubias.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

BANNED_MODULES = {
    "cloudpickle",
    "dill",
    "joblib",
    "marshal",
    "pickle",
    "pty",
    "runpy",
    "shelve",
    "yaml",
}
BANNED_CALLS = {"eval", "exec", "compile", "__import__", "input", "breakpoint"}
BANNED_METHODS = {"read_pickle", "to_pickle", "unpickle", "popen", "unsafe_load"}
LOADERS = {("np", "load"), ("numpy", "load"), ("yaml", "load"), ("os", "system")}


def imported(node):
    """Return the modules that an import statement names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def called(node):
    """Return the owner and the name of what a call calls."""
    function = getattr(node, "func", None)
    if isinstance(function, ast.Name):
        return "", function.id
    if isinstance(function, ast.Attribute):
        owner = function.value
        return owner.id if isinstance(owner, ast.Name) else "?", function.attr
    return "", ""


def is_unsafe(keyword):
    """Whether a keyword argument switches a safety off."""
    is_false = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
    if keyword.arg in ("allow_pickle", "shell"):
        return not is_false
    return keyword.arg == "weights_only" and is_false


def loads_more_than_weights(node, owner, name):
    """Whether a call could unpickle a PyTorch file: weights_only=True must stand in it."""
    if (owner, name) != ("torch", "load"):
        return False
    return not any(
        keyword.arg == "weights_only"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is True
        for keyword in node.keywords
    )


def mistakes(tree):
    """Yield a sentence for every node that could run foreign code."""
    for node in ast.walk(tree):
        for name in imported(node):
            if name.split(".")[0] in BANNED_MODULES:
                yield f"line {node.lineno}: imports {name}"
        owner, name = called(node)
        is_banned = (not owner and name in BANNED_CALLS) or name in BANNED_METHODS
        is_loader = (owner, name) in LOADERS or loads_more_than_weights(node, owner, name)
        if is_banned or is_loader:
            yield f"line {node.lineno}: calls {owner}.{name}"
        for keyword in getattr(node, "keywords", ()):
            if is_unsafe(keyword):
                yield f"line {node.lineno}: passes {keyword.arg}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_file_can_run_foreign_code(path):
    assert list(mistakes(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "import yaml.reader",
        "eval('1')",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "read_array(f, allow_pickle=flag)",
        "pd.read_pickle(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "subprocess.run(line, shell=True)",
        "os.system(line)",
    ],
)
def test_the_check_itself_finds_what_it_bans(code):
    assert list(mistakes(ast.parse(code))) != []


def test_weights_alone_may_be_loaded():
    assert list(mistakes(ast.parse("torch.load(path, weights_only=True)"))) == []


def test_the_sources_were_found():
    assert len(SOURCES) > 20
