"""Every public object has the numpydoc docstring that its signature needs, shapes named."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re

import pytest

from tests.meta.discovery import all_modules, own_members, public_objects

OBJECTS = public_objects()
SECTIONS = (
    "Parameters",
    "Attributes",
    "Returns",
    "Yields",
    "Raises",
    "Warns",
    "See Also",
    "Notes",
    "References",
    "Examples",
)


def callables():
    """Return functions, methods and properties by full name."""
    found = {}
    for name, value in OBJECTS.items():
        if inspect.isfunction(value):
            found[name] = value
            continue
        for member, function in own_members(value).items():
            found[f"{name}.{member}"] = function
    return found


CALLABLES = callables()


def sections_of(doc):
    """Split a docstring into its summary and its sections."""
    lines = inspect.cleandoc(doc or "").splitlines()
    found, current = {"": []}, ""
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and line in SECTIONS and set(lines[i + 1]) == {"-"}:
            current = line
            found[current] = []
        elif not (line and set(line) == {"-"} and lines[i - 1] in SECTIONS):
            found[current].append(line)
    return found


def entries_of(section):
    """Return name to type of a numpydoc list such as ``a, b : int``."""
    found = {}
    for line in section:
        match = re.fullmatch(r"(\*{0,2}\w[\w, *]*?)(?: : (.*))?", line)
        if match and not line.startswith(" "):
            for name in match[1].split(","):
                found[name.strip().lstrip("*")] = match[2] or ""
    return found


def parameters_of(function):
    skipped = ("self", "cls")
    return [name for name in inspect.signature(function).parameters if name not in skipped]


@pytest.mark.parametrize("name", sorted(all_modules()))
def test_every_module_says_what_it_is(name):
    assert (all_modules()[name].__doc__ or "").strip()


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_public_object_has_a_summary(name):
    doc = inspect.cleandoc(OBJECTS[name].__doc__ or "")
    summary = doc.splitlines()[0] if doc else ""
    assert summary.endswith((".", "?", ":")), summary


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_every_parameter_is_described(name):
    function = CALLABLES[name]
    assert inspect.getdoc(function), "no docstring"
    if isinstance(function, property):
        return
    parameters = parameters_of(function)
    sections = sections_of(function.__doc__)
    described = entries_of(sections.get("Parameters", []))
    assert list(described) == parameters


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_every_array_names_its_shape(name):
    if isinstance(CALLABLES[name], property):
        return
    sections = sections_of(CALLABLES[name].__doc__)
    nameless = [
        f"{section}: {entry} : {kind}"
        for section in ("Parameters", "Attributes")
        for entry, kind in entries_of(sections.get(section, [])).items()
        if re.search(r"array", kind) and "shape" not in kind and "array_like of int" not in kind
    ]
    returned = [line for line in sections.get("Returns", []) if re.match(r"ndarray", line)]
    nameless += [line for line in returned if "shape" not in line]
    assert nameless == []


@pytest.mark.parametrize("name", sorted(CALLABLES))
def test_what_is_returned_is_described(name):
    function = CALLABLES[name]
    if isinstance(function, property) or not parameters_of(function):
        return
    returns = inspect.signature(function).return_annotation
    if returns in (None, "None", "NoReturn", inspect.Signature.empty):
        return
    assert {"Returns", "Yields"} & set(sections_of(function.__doc__))


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_field_of_a_result_is_described(name):
    cls = OBJECTS[name]
    if not dataclasses.is_dataclass(cls):
        return
    fields = [field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")]
    sections = sections_of(cls.__doc__)
    described = {
        **entries_of(sections.get("Parameters", [])),
        **entries_of(sections.get("Attributes", [])),
    }
    source = inspect.getsource(cls)  # or a string below the field
    missing = [
        field
        for field in fields
        if field not in described and not re.search(rf'\n    {field}: [^"]*?\n    """', source)
    ]
    assert missing == []


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_array_field_names_its_shape(name):
    cls = OBJECTS[name]
    if not inspect.isclass(cls):
        return
    sections = sections_of(cls.__doc__)
    nameless = [
        f"{entry} : {kind}"
        for section in ("Parameters", "Attributes")
        for entry, kind in entries_of(sections.get(section, [])).items()
        if "array" in kind and "shape" not in kind and "of int" not in kind
    ]
    assert nameless == []


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_status_carries_a_sentence(name):
    cls = OBJECTS[name]
    is_status = name.endswith(("Status", "Tail"))
    if not (is_status and inspect.isclass(cls) and issubclass(cls, enum.Enum)):
        return
    sentences = [member.sentence for member in cls]
    assert all(len(sentence) > 20 for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
    assert [str(member) for member in cls] == [member.name for member in cls]
