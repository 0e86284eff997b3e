"""The command line: what `relubias` does, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from relubias.cli._messages import say
from relubias.errors import NotSolvedError, RelubiasError

if TYPE_CHECKING:
    from cyclopts import App

__all__ = ["build_app", "main"]

DONE, NEGATIVE, UNUSABLE, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 130, 141
"""Exit status; the last two are what shells expect after Ctrl-C and after a closed pipe."""

_EXIT = "Exit status: 0 done, 1 the answer is negative, 2 unusable arguments or data."

_EXIT_SWEEP = (
    "Exit status: 0 done, 1 something is missing, 2 unusable arguments or files, 3 a task failed."
)

_COMMANDS = {
    "reproduce": (
        "Recompute the paper's figures and write the report.",
        "relubias reproduce --only fig2,fig4 --out reproduction",
    ),
    "run": (
        "Say where gradient descent or flow goes on your data, and how far from minimum norm.",
        "relubias run data.npz --signs +,- --kappa 0.5 --out results",
    ),
    "minnorm": (
        "Find the shortest network that fits your data, with its certificate.",
        "relubias minnorm data.csv --label-column target --json",
    ),
    "sweep run": (
        "Compute what the folder of a plan does not hold yet; the same command resumes.",
        "relubias sweep run plan.toml --store sweeps --workers 2",
    ),
    "sweep status": (
        "Say what is done, missing, failed and damaged.",
        "relubias sweep status sweeps",
    ),
    "sweep compact": (
        "Merge the parts of a sweep into one file.",
        "relubias sweep compact sweeps",
    ),
    "sweep show": (
        "Show what a sweep found: tables, curves with bands, phase maps, power laws.",
        "relubias sweep show sweeps --x d --y gap --by n --fit --out gap.png",
    ),
    "check": (
        "Check every assumption, lemma and theorem of the paper on your data.",
        "relubias check data.npz --signs + --kappa 0.9 --html report.html",
    ),
    "diagnose": (
        "Say what bias a trained network shows: PyTorch weights or arrays, beside its data.",
        "relubias diagnose model.pt data.npz --held-out test.npz --html diagnosis.html",
    ),
    "explore": (
        "Open a page with sliders in the browser: data, network, start, step; watch the run.",
        "relubias explore --port 8787 --no-browser",
    ),
}
"""Name, one line of help, example; `relubias.cli.NAME:NAME` is imported when it is used.

Commands of a group, such as ``sweep run``, are functions of the group's module.
"""

_GROUPS = {"sweep": "Sweep over random problems: run a plan, resume it, and look at its results."}


def build_app() -> App:
    """Return the command line application; commands are imported only when used.

    Returns
    -------
    cyclopts.App
        With one command per entry of the help page.
    """
    from cyclopts import App

    app = App(
        name="relubias",
        help="Where gradient descent on shallow ReLU networks goes, and how far from minimum norm.",
        help_epilogue=_EXIT,
        help_format="plaintext",
        version=_version,
        suppress_keyboard_interrupt=False,
    )
    groups = {"": app}
    for group, line in _GROUPS.items():
        groups[group] = App(name=group, help=line, help_epilogue=_EXIT_SWEEP, version_flags=())
        app.command(groups[group])
    for name, (line, example) in _COMMANDS.items():
        group, _, word = name.rpartition(" ")
        groups[group].command(
            f"relubias.cli.{group or word}:{word}",
            name=word,
            help=line,
            help_epilogue=f"Example: {example}\n\n{_EXIT_SWEEP if group else _EXIT}",
        )
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; those of the process if omitted.

    Returns
    -------
    int
        0 done, 1 the answer is negative, 2 unusable arguments or data, 130 after Ctrl-C,
        141 when the reader of the output went away.

    Examples
    --------
    >>> main(["run", "missing.npz"])
    2
    """
    from cyclopts import CycloptsError

    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        status = build_app()(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
        sys.stdout.flush()
    except NotSolvedError as error:
        return _refuse(str(error), NEGATIVE)
    except (CycloptsError, RelubiasError) as error:
        return _refuse(str(error), UNUSABLE)
    except MemoryError:
        return _refuse("not enough memory; use fewer samples or features", UNUSABLE)
    except BrokenPipeError:
        from relubias.cli._output import discard_output

        discard_output()
        return PIPE_CLOSED
    except KeyboardInterrupt:
        return _refuse("interrupted", INTERRUPTED)
    return status if isinstance(status, int) else DONE


def _refuse(message: str, status: int) -> int:
    say(message)
    return status


def _version() -> str:
    from relubias import __version__

    return __version__
