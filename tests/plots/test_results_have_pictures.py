"""Every public class has a picture that is tested here, or a reason why it needs none."""

from __future__ import annotations

import dataclasses
import enum
import inspect

from tests.meta.discovery import public_objects
from tests.plots.results import RESULTS, result

NEED_NONE = {
    "BothLayersCertificate": "one margin beside one radius; the run's picture says CERTIFIED",
    "BothLayersRecords": "drawn by the run",
    "BothLayersState": "one point of a run, which is drawn",
    "Case": "what a measure is given",
    "Certificate": "one margin beside one rounding error; the run's picture says CERTIFIED",
    "Estimate": "three numbers",
    "Experiment": "draws the figure of its table",
    "Finding": "a sentence",
    "FlowCertificate": "one margin beside one rounding error; the flow's picture says CERTIFIED",
    "FlowPath": "drawn by the flow",
    "GeneratedFeatures": "features, made as they are read",
    "Measure": "a function",
    "Measured": "one number; figures draw many",
    "MinimumNormCertificate": "one bound; its tree has a picture",
    "Place": "a place",
    "Plan": "what is asked, not what is found",
    "Problem": "what is given",
    "Records": "drawn by the run",
    "Reproduction": "writes a page of figures",
    "Result": "has its figure on disk",
    "Setting": "what statements are given",
    "State": "one point of a run, which is drawn",
    "Verdict": "one margin; the report draws all",
}
"""Classes that hold numbers and are no results to look at, and why."""

ELSEWHERE = {"Diagnosis", "SweepResult"}
"""Drawn in tests of their own; here the rows of a sweep stand for the last."""


WITH_A_PICTURE = "relubias.diagnosis"
"""Here all other classes are parts of one result, `Diagnosis`, which draws them."""


def classes():
    found = {}
    for value in public_objects().values():
        is_class = inspect.isclass(value)
        if is_class and dataclasses.is_dataclass(value) and not issubclass(value, enum.Enum):
            found[value.__name__] = value
    return found


def test_every_result_has_a_picture_or_a_reason():
    drawn = {type(result(name)).__name__ for name in RESULTS} | ELSEWHERE
    is_law = {
        name for name, c in classes().items() if c.__module__.startswith("relubias.ensembles")
    }
    is_statement = {name for name, c in classes().items() if ".lai2026." in c.__module__}
    is_abstract = {name for name, c in classes().items() if inspect.isabstract(c)}
    is_part = {name for name, c in classes().items() if c.__module__.startswith(WITH_A_PICTURE)}
    left = set(classes()) - drawn - set(NEED_NONE) - is_law - is_abstract - is_statement - is_part
    assert left == set()


def test_what_needs_no_picture_has_none():
    wrong = [name for name, c in classes().items() if name in NEED_NONE and hasattr(c, "plot")]
    assert wrong == []


def test_every_public_picture_is_tested():
    drawn = {type(result(name)).__name__ for name in RESULTS} | ELSEWHERE
    have = {name for name, c in classes().items() if hasattr(c, "plot")}
    laws = {name for name in have if classes()[name].__module__.startswith("relubias.ensembles")}
    abstract = {name for name in have if inspect.isabstract(classes()[name])}
    assert have - drawn - laws - abstract == set()
