"""Numbers given as expressions of other numbers, such as ``"5*n"``; nothing is executed."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from relubias._validate import fail, shown

__all__ = ["FUNCTIONS", "Expression", "parse"]

Number = int | float

_LONGEST = 200  # characters
_LARGEST_POWER = 64

_OPERATORS: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Number]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Pow: ("**", operator.pow),
}

FUNCTIONS: dict[str, Callable[..., Number]] = {
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
}


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula of the four operations, powers and a few functions.

    Attributes
    ----------
    text : str
        As it was written.
    names : frozenset of str
        What it depends on.
    """

    text: str
    names: frozenset[str]
    _tree: ast.expr = field(compare=False, repr=False)

    def value(self, name: str, lookup: Callable[[str], Number]) -> Number:
        """Return the finite number that it stands for; errors name the field `name`."""
        known = {variable: lookup(variable) for variable in self.names}
        try:
            number = _evaluate(self._tree, known)
            finite = math.isfinite(number)
        except (ArithmeticError, ValueError, TypeError) as error:
            with_values = ", ".join(f"{key} = {known[key]:g}" for key in sorted(known))
            got = f"{self.text!r} has no value{f' at {with_values}' if with_values else ''}"
            raise fail(name, f"{got} ({error})", "change the expression") from error
        if not finite:
            raise fail(name, f"{self.text!r} is {number:g}", "change the expression")
        return number


@lru_cache(maxsize=1024)
def parse(name: str, text: str, variables: frozenset[str]) -> Expression:
    """Check an expression of the given variables; errors name the field `name`."""
    text = text.strip()
    remedy = f"pass a number or an expression of {_listed(variables)}, such as '5*n'"
    if not text or len(text) > _LONGEST:
        raise fail(name, f"is the text {shown(text)}", remedy)
    try:
        tree = ast.parse(text, mode="eval").body
        names = frozenset(_names(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise fail(name, f"is the text {shown(text)}", remedy) from error
    unknown = sorted(names - set(variables))
    if unknown:
        raise fail(name, f"{text!r} depends on {unknown[0]!r}", remedy)
    return Expression(text, names, tree)


def _listed(names: Collection[str]) -> str:
    listed = sorted(names)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} and {listed[-1]}"


def _names(node: ast.expr) -> set[str]:
    """Return the names in a tree of nothing but numbers, names, operations and functions."""
    match node:
        case ast.Constant(value=value) if type(value) in (int, float):
            return set()
        case ast.Name(id=name):
            return {name}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _names(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _names(left) | _names(right)
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]):
            if name in FUNCTIONS:
                return set[str]().union(*(_names(argument) for argument in arguments))
        case _:
            pass
    raise ValueError("not an expression of numbers")


def _evaluate(node: ast.expr, known: Mapping[str, Number]) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            return known[name]
        case ast.UnaryOp(op=op, operand=operand):
            value = _evaluate(operand, known)
            return -value if isinstance(op, ast.USub) else value
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _evaluate(left, known), _evaluate(right, known)
            if isinstance(op, ast.Pow) and (abs(second) > _LARGEST_POWER or abs(first) > 2**64):
                first = float(first)
            return _OPERATORS[type(op)][1](first, second)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return FUNCTIONS[name](*(_evaluate(argument, known) for argument in arguments))
        case _:
            raise ValueError("not an expression of numbers")
