"""The graph of a module's forward pass, by running it once on a stand-in for the samples."""

from __future__ import annotations

import inspect
from typing import Any

from relubias.diagnosis._tensors import torch_if_loaded
from relubias.diagnosis._values import Refused

__all__ = ["NotTraced", "traced"]


class NotTraced(Exception):  # noqa: N818 - a signal between two ways of reading
    """The forward pass cannot be traced; the message says why."""


def traced(module: Any) -> Any:
    """Return the graph of the forward pass; what has a default besides the samples keeps it.

    Raises
    ------
    Refused
        If it takes nothing, or needs more than the samples.
    NotTraced
        If it takes turns that depend on the samples.
    """
    from torch.fx import Tracer

    try:
        parameters = list(inspect.signature(module.forward).parameters.values())
    except (TypeError, ValueError) as error:
        raise NotTraced(f"its forward has no signature ({error})") from error
    if not parameters:
        raise Refused("its forward takes no input", "pass a module that takes samples")
    if parameters[0].kind is parameters[0].VAR_POSITIONAL:
        raise NotTraced(f"it takes *{parameters[0].name}")
    more = [p for p in parameters[1:] if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = [p.name for p in more if p.default is p.empty]
    if needed:
        got = f"its forward needs a second input, {needed[0]}"
        raise Refused(got, "wrap it in a module that takes the samples alone")
    constants = {p.name: p.default for p in more}
    torch: Any = torch_if_loaded()
    try:
        with torch.random.fork_rng(devices=[]):
            return Tracer().trace(module, concrete_args=constants or None)
    except Exception as error:  # the user's code may raise anything
        reason = " ".join(str(error).split())[:120]
        raise NotTraced(f"{type(error).__name__}: {reason}") from error
