"""Small settings, and for every condition one where it holds, one where it fails, one where open.

A row of `TABLE` names three settings; constants of the statement may be a function of the setting,
such as the one that puts its margin at zero: there rounding decides, and the answer must be None.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

import relubias as rb
from relubias.theory import Setting, lai2026
from relubias.theory.statement import evaluate

__all__ = ["SETTINGS", "TABLE", "Case", "statement_of"]

ROUND = [[3.7, 0.13, -0.07], [0.13, 4.1, 0.19], [-0.07, 0.19, 3.9]]  # nothing in it is exact
FAR = [[4.0, 0.001, -0.002], [0.001, 4.0, 0.001], [-0.002, 0.001, 4.0]]
MIXED = (1.0, -0.9, 0.8)


def _setting(
    gram: Any,
    labels: Any,
    signs: Any = (1,),
    primal: Any = None,
    *,
    dual: Any = None,
    kappa: float = 0.5,
    **more: Any,
) -> Setting:
    """Return a setting; the start is given by primal values or duals, the trace is four."""
    problem = rb.Problem(gram, labels, signs)
    if primal is not None:
        wanted = np.broadcast_to(np.asarray(primal, float), (len(signs), len(labels)))
        dual = np.linalg.solve(np.asarray(gram, float), wanted.T).T
    step_size = None if dual is None else kappa / 4.0
    return Setting(problem, dual, step_size=step_size, trace=4.0, **more)


def _edge_of_step(setting: Setting) -> float:
    """Return the kappa at the upper end of the paper's range."""
    mu = np.linalg.eigvalsh(setting.problem.gram / 4.0)
    return 1.0 / max(float(mu[-1]), 1.0 / float(mu[0]))


def _edge_of_explicit() -> float:
    """Return the kappa with ``kappa (1 + delta) = 1`` on the data FAR."""
    return 1.0 / (1.0 + float(np.abs(np.linalg.eigvalsh(FAR) / 4.0 - 1.0).max()))


def _edge(
    condition: str, family: Callable[[float], Setting], inside: float, outside: float
) -> Setting:
    """Return the member of a family at which rounding decides a condition."""
    for _ in range(100):
        middle = (inside + outside) / 2.0
        verdict = Case("").ask(condition, {}, family(middle))
        if verdict.holds is None:
            return family(middle)
        inside, outside = (middle, outside) if verdict.holds else (inside, middle)
    raise AssertionError(f"{condition} is never open")


def _wrong(setting: Setting, **changes: Any) -> Setting:
    """Return the setting with a shortest network that is none."""
    right = rb.minimum_norm(setting.problem)
    changed = {name: change(getattr(right, name)) for name, change in changes.items()}
    wrong = dataclasses.replace(right, **changed)
    return Setting(setting.problem, trace=4.0, shortest=wrong)


BOTH, THREE = (1, -1), (1, 1, -1)
IDENTITY = np.eye(3)
REPELLING = [[4.0, 3.0], [3.0, 4.0]]  # a positive prediction is pulled down by a negative label
OWNED = ((0.01, -0.3, 0.01), (-0.3, 0.01, 0.01), (0.01, 0.01, 0.01))
BARELY = ((0.01, -0.003, 0.01), (-0.003, 0.01, 0.01), (0.01, 0.01, 0.01))
SINGULAR = np.ones((2, 2))
ISOTROPIC = rb.ensembles.isotropic

SETTINGS: dict[str, Callable[[], Setting]] = {
    # one neuron
    "good": lambda: _setting(FAR, MIXED, primal=0.02),
    "round": lambda: _setting(ROUND, MIXED, primal=0.02),
    "stopped": lambda: _setting(ROUND, MIXED, primal=0.02, max_iter=0),
    "large step": lambda: _setting(ROUND, MIXED, primal=0.02, kappa=2.3),
    "small step": lambda: _setting(ROUND, MIXED, primal=0.02, kappa=0.01),
    "edge of the step": lambda: _setting(
        ROUND, MIXED, primal=0.02, kappa=_edge_of_step(SETTINGS["round"]())
    ),
    "edge of rho": lambda: _setting(FAR, MIXED, primal=0.8 * 0.5 / 4.0),
    "edge of kappa": lambda: _setting(FAR, MIXED, primal=0.02, kappa=_edge_of_explicit()),
    "large start": lambda: _setting(ROUND, MIXED, primal=3.0),
    "huge start": lambda: _setting(ROUND, MIXED, primal=300.0),
    "inactive start": lambda: _setting(ROUND, MIXED, primal=-0.5),
    "zero label": lambda: _setting(ROUND, (1.0, 0.0, -1.0), primal=0.02),
    "tiny label": lambda: _setting(ROUND, (1.0, 5e-324, -1.0)),
    "close samples": lambda: _setting([[4, 3.9], [3.9, 4]], (1.0, -1.0), primal=0.02),
    "contradicting": lambda: _setting(SINGULAR, (1.0, -1.0)),
    "dependent": lambda: _setting(np.full((3, 3), 4.0), MIXED),
    "repelling": lambda: _setting(REPELLING, (0.1, -1.0), primal=(0.001, 0.5), kappa=0.2),
    "off and rescued": lambda: _setting(
        REPELLING, (1.0, 1.0), primal=(0.1, -0.1), spectrum=ISOTROPIC(4)
    ),
    "off for good": lambda: _setting(
        [[4, -1], [-1, 4]], (1.0, 0.5), dual=[[0.1, -0.2]], kappa=0.4, spectrum=ISOTROPIC(16, 0.25)
    ),
    "off and stopped": lambda: _setting(
        REPELLING, (1.0, 1.0), primal=(0.1, -0.1), max_iter=0, spectrum=ISOTROPIC(4)
    ),
    "edge of the certificate": lambda: _edge(
        "lai2026.theorem1.certificate", lambda size: _setting(FAR, MIXED, primal=size), 0.02, 3.0
    ),
    "edge of one step": lambda: _edge(
        "lai2026.theorem1.one_step", lambda size: _setting(FAR, MIXED, primal=size), 0.02, 3.0
    ),
    "far in high dimension": lambda: _setting(FAR, MIXED, spectrum=ISOTROPIC(10**6, 4e-6)),
    "high dimension": lambda: _setting(ROUND, MIXED, spectrum=ISOTROPIC(10**6, 4e-6)),
    "low dimension": lambda: _setting(ROUND, MIXED, spectrum=ISOTROPIC(4)),
    "unknown dimension": lambda: _setting(ROUND, MIXED),
    "dependent in high": lambda: _setting(
        np.full((3, 3), 4.0), MIXED, spectrum=ISOTROPIC(10**6, 4e-6)
    ),
    "not stationary": lambda: _wrong(SETTINGS["round"](), dual=lambda b: 1.01 * b),
    "wrong sign": lambda: _wrong(
        SETTINGS["round"](), dual=lambda b: np.where(np.array(MIXED) < 0, 0.3, b)
    ),
    # two neurons
    "pair": lambda: _setting(FAR, MIXED, BOTH, 0.01),
    "round pair": lambda: _setting(ROUND, MIXED, BOTH, 0.02),
    "stopped pair": lambda: _setting(ROUND, MIXED, BOTH, 0.02, max_iter=0),
    "contradicting pair": lambda: _setting(SINGULAR, (1.0, -1.0), BOTH),
    "large step of a pair": lambda: _setting(ROUND, MIXED, BOTH, 0.02, kappa=2.3),
    "small step of a pair": lambda: _setting(ROUND, MIXED, BOTH, 0.02, kappa=0.01),
    "edge of a pair's step": lambda: _setting(
        ROUND, MIXED, BOTH, 0.02, kappa=_edge_of_step(SETTINGS["round"]())
    ),
    "edge of a pair's rho": lambda: _setting(FAR, MIXED, BOTH, 0.8 * 0.5 / 8.0),
    "large start of a pair": lambda: _setting(ROUND, MIXED, BOTH, 3.0),
    "close samples of a pair": lambda: _setting(
        [[4, 3.9], [3.9, 4]], (1.0, -1.0), BOTH, 0.02, kappa=0.1
    ),
    "misfitting pair": lambda: _wrong(SETTINGS["round pair"](), primal=lambda a: 1.01 * a),
    "wrong duals of a pair": lambda: _wrong(SETTINGS["round pair"](), dual=lambda b: 1.01 * b),
    "wrong signs of a pair": lambda: _wrong(SETTINGS["round pair"](), dual=abs),
    "slack pair": lambda: _wrong(
        SETTINGS["round pair"](), primal=lambda a: a - 0.1 * (a == 0.0), dual=abs
    ),
    "sharing pair": lambda: _wrong(
        SETTINGS["round pair"](), primal=lambda a: a + 0.1 * (a == 0.0)
    ),
    "edge of a pair's certificate": lambda: _edge(
        "lai2026.theorem3.certificate",
        lambda size: _setting(FAR, MIXED, BOTH, np.multiply(size, [[1.0], [2.0]])),
        0.01, 3.0,
    ),
    "huge duals of a pair": lambda: _wrong(SETTINGS["round pair"](), dual=lambda b: 100.0 * b),
    # several neurons
    "owned": lambda: _setting(FAR, (1.0, 0.9, -0.8), THREE, OWNED),
    "round and owned": lambda: _setting(ROUND, (1.0, 0.9, -0.8), THREE, OWNED),
    "stopped and owned": lambda: _setting(
        ROUND, (1.0, 0.9, -0.8), THREE, OWNED, max_iter=0
    ),
    "barely parked": lambda: _setting(ROUND, (1.0, 0.9, -0.8), THREE, BARELY),
    "crowded": lambda: _setting(FAR, (1.0, 0.9, -0.8), THREE, 0.02),
    "crowded and large": lambda: _setting(
        ROUND, (1.0, 0.9, -0.8), THREE, ((0.01, 3.0, 0.01), (3.0, 0.01, 0.01), (0.02, 0.02, 3.0)),
        kappa=0.9,
    ),
    "large step of several": lambda: _setting(ROUND, (1.0, 0.9, -0.8), THREE, OWNED, kappa=2.3),
    "small step of several": lambda: _setting(ROUND, (1.0, 0.9, -0.8), THREE, OWNED, kappa=0.01),
    "edge of several's step": lambda: _setting(
        ROUND, (1.0, 0.9, -0.8), THREE, OWNED, kappa=_edge_of_step(SETTINGS["round"]())
    ),
    "inactive start of several": lambda: _setting(ROUND, (1.0, 0.9, -0.8), THREE, -0.02),
    "edge of several's certificate": lambda: _edge(
        "lai2026.theorem5.certificate",
        lambda size: _setting(ROUND, (1.0, 0.9, -0.8), THREE, np.multiply(size, OWNED)),
        1.0, 1e-3,
    ),
    "edge of being owned": lambda: _setting(
        ROUND, (1.0, 0.9, -0.8), THREE,
        ((0.01, -0.3, 0.01), (-0.3, 0.01, 0.01), (1e-17, 0.01, 0.01)),
    ),
}  # fmt: skip


class Case(NamedTuple):
    """A setting, constants of the statement, and one more that puts the margin at zero."""

    setting: str
    constants: Mapping[str, Any] = {}
    vanishing: str = ""

    def answer(self, condition: str) -> Any:
        """Return the verdict."""
        if not self.vanishing:
            return self.ask(condition, self.constants)
        low, high = 1e-9, 1e12
        rises = self.ask(condition, {self.vanishing: high}).margin > 0
        for _ in range(200):
            constant = math.sqrt(low * high)
            verdict = self.ask(condition, {self.vanishing: constant})
            if verdict.holds is None or constant in (low, high):
                break
            if (verdict.margin > 0) == rises:
                high = constant
            else:
                low = constant
        return verdict

    def ask(
        self, condition: str, constants: Mapping[str, Any], setting: Setting | None = None
    ) -> Any:
        """Return the verdict with some constants."""
        statement = statement_of(condition)(**constants)
        found = evaluate([statement], setting or SETTINGS[self.setting]())
        return next(verdict for verdict in found if verdict.condition == condition)


class Row(NamedTuple):
    """A case for every answer."""

    holds: Case
    fails: Case
    is_open: Case


@cache
def _by_name() -> Mapping[str, Any]:
    return {statement.name: statement for statement in lai2026.STATEMENTS}


def statement_of(condition: str) -> Any:
    """Return the class whose name the condition begins with."""
    return _by_name()[".".join(condition.split(".")[:2])]


def _rows(name: str, table: Mapping[str, tuple[Any, Any, Any]]) -> dict[str, Row]:
    def case(value: Any) -> Case:
        return Case(value) if isinstance(value, str) else Case(*value)

    return {
        f"lai2026.{name}{part}": Row(*(case(value) for value in row)) for part, row in table.items()
    }


def _steps(good: str, large: str, small: str, edge: str) -> dict[str, tuple[Any, Any, Any]]:
    return {
        ".step_size.upper": (good, large, edge),
        ".step_size.lower": (good, small, (good, {}, "step_constant")),
    }


def _same(parts: str, holds: str, fails: str, is_open: str) -> dict[str, tuple[Any, Any, Any]]:
    return {f".{part}": (holds, fails, is_open) for part in parts}


TABLE: dict[str, Row] = {
    **_rows("assumption1", {"": ("good", "zero label", "tiny label")}),
    **_rows("assumption2", {
        ".d_2": ("high dimension", "low dimension", ("high dimension", {}, "constant")),
        ".d_inf": ("high dimension", "low dimension", "unknown dimension"),
    }),
    **_rows("lemma1", {"": ("good", ("good", {"since": 0}), "stopped")}),
    **_rows("lemma2", {
        "": ("good", ("good", {"since": 0}), "stopped"),
        ".step_size": ("good", "large step", "edge of the step"),
    }),
    **_rows("lemma3", {
        ".stationary": ("round", "not stationary", "contradicting"),
        ".feasible": ("round", "not stationary", "contradicting"),
        ".sign": ("round", "wrong sign", "contradicting"),
        ".complementary": ("round", "wrong sign", "contradicting"),
    }),
    **_rows("lemma4", {
        ".feasible": ("round pair", "misfitting pair", "contradicting pair"),
        ".stationary": ("round pair", "wrong duals of a pair", "contradicting pair"),
        ".sign": ("round pair", "wrong signs of a pair", "contradicting pair"),
        ".complementary": ("round pair", "slack pair", "contradicting pair"),
        ".norm": ("round pair", "huge duals of a pair", "contradicting pair"),
        ".decoupled": ("round pair", "sharing pair", "contradicting pair"),
    }),
    **_rows("lemma5", {
        "": ("good", "repelling", "stopped"),
        ".unconditional": ("good", "crowded and large", "stopped"),
        ".explicit": ("good", "repelling", ("round", {}, "risk")),
        ".step_size": ("good", "large step", "edge of the step"),
    }),
    **_rows("lemma6", {
        ".explicit": ("good", "repelling", ("round", {}, "dual")),
        **dict.fromkeys(("", ".sharp", ".absorbing"), ("good", "close samples", "stopped")),
    }),
    **_rows("lemma7", {
        ".lower": ("high dimension", "dependent in high", ("dependent", {}, "constant")),
        ".upper": ("high dimension", "dependent in high", ("dependent", {}, "constant")),
    }),
    **_rows("lemma8", {
        "": ("far in high dimension", "dependent in high", ("low dimension", {}, "constant")),
    }),
    **_rows("corollary1", {
        ".gram": ("low dimension", "high dimension", ("low dimension", {}, "constant")),
        ".inverse": ("low dimension", "high dimension", ("low dimension", {}, "constant")),
    }),
    **_rows("lemma9", {
        **_same("a", "good", "large step", "stopped"),
        **_same("d", "good", "huge start", "stopped"),
        **_same("bc", "good", "large start", "stopped"),
        **_same("ef", "good", "small step", "stopped"),
    }),
    **_rows("theorem1", {
        ".start": ("good", "large start", ("good", {}, "start_constant")),
        **_steps("good", "large step", "small step", "edge of the step"),
        ".explicit": ("good", "large start", "edge of kappa"),
        ".certificate": ("good", "large start", "edge of the certificate"),
        ".one_step": ("good", "large start", "edge of one step"),
        "": ("good", "small step", "stopped"),
    }),
    **_rows("theorem2", {
        ".lower": ("good", "large start", "stopped"),
        ".upper": ("good", "inactive start", "stopped"),
        ".sharp": ("good", "large start", "stopped"),
        ".identity": ("good", "inactive start", "stopped"),
    }),
    **_rows("remark1", {
        "": ("off for good", "off and rescued", "off and stopped"),
        ".dual": ("off for good", "off and rescued", ("off for good", {}, "constant")),
    }),
    **_rows("lemma10", {
        **_same("ab", "pair", "large step of a pair", "stopped pair"),
        **_same("cdef", "pair", "large start of a pair", "stopped pair"),
        **_same("gh", "pair", "small step of a pair", "stopped pair"),
    }),
    **_rows("theorem3", {
        ".start": ("pair", "large start of a pair", ("pair", {}, "start_constant")),
        **_steps("pair", "large step of a pair", "small step of a pair", "edge of a pair's step"),
        ".explicit": ("pair", "large start of a pair", "edge of a pair's rho"),
        ".certificate": ("pair", "large start of a pair", "edge of a pair's certificate"),
        ".limit": ("pair", "large start of a pair", "stopped pair"),
        "": ("pair", "small step of a pair", "stopped pair"),
    }),
    **_rows("theorem4", {
        f".{side}.{part}": ("pair", f"{size} of a pair", "stopped pair")
        for side in ("positive", "negative")
        for part, size in (
            ("lower", "small step"), ("upper", "large start"), ("sharp", "large start")
        )
    }),
    **_rows("assumption3", {"": ("owned", "crowded", "edge of being owned")}),
    **_rows("lemma11", {
        ".disjoint": ("owned", "crowded", "stopped and owned"),
        "": ("owned", ("owned", {"since": 0}), "stopped and owned"),
    }),
    **_rows("lemma12", {
        **_same("a", "owned", "large step of several", "stopped and owned"),
        **_same("bcde", "owned", "crowded and large", "stopped and owned"),
    }),
    **_rows("theorem5", {
        ".start.upper": ("owned", "crowded and large", ("owned", {}, "start_constant")),
        ".start.lower": ("owned", "barely parked", ("owned", {}, "parked")),
        **_steps("owned", "large step of several", "small step of several",
                 "edge of several's step"),
        ".certificate": ("owned", "crowded and large", "edge of several's certificate"),
        ".limit": ("owned", "crowded and large", "stopped and owned"),
        "": ("owned", "barely parked", "stopped and owned"),
    }),
    **_rows("theorem6", {
        ".twice": ("owned", "inactive start of several", "stopped and owned"),
        "": ("owned", ("owned", {"constant": 0.01}), "stopped and owned"),
        ".sharp": ("owned", "crowded and large", "stopped and owned"),
    }),
}  # fmt: skip
