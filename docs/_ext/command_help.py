"""The directive ``command-help``: every command with the help that it prints."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from relubias.cli import _COMMANDS, main

COLUMNS = 92


def help_of(command: str) -> str:
    """Return what ``relubias COMMAND --help`` prints."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(COLUMNS)
    try:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            status = main([*command.split(), "--help"])
    finally:
        os.environ.pop("COLUMNS")
        if before is not None:
            os.environ["COLUMNS"] = before
    text = printed.getvalue()
    if status != 0 or "Usage:" not in text:
        raise RuntimeError(f"relubias {command} --help exited with {status}:\n{text}")
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


class CommandHelp(SphinxDirective):
    """A section for each command, in the order of the help page."""

    has_content: ClassVar[bool] = False

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        sections: list[nodes.Node] = []
        for command, (line, _) in _COMMANDS.items():
            identifier = nodes.make_id(f"relubias-{command}")
            section = nodes.section(ids=[identifier], names=[identifier])
            section += nodes.title("", "", nodes.literal("", f"relubias {command}"))
            section += nodes.paragraph("", line)
            block = nodes.literal_block("", help_of(command), classes=["command-help"])
            block["language"] = "none"
            section += block
            self.state.document.note_explicit_target(section)
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
