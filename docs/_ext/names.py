"""Names in docstrings: plain backticks, types of arguments, other paths, members, signatures."""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import pydoc
import re
from typing import Any, ClassVar

from docutils import nodes
from numpydoc.xref import DEFAULT_LINKS
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PyXRefRole
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

import relubias

OPTIONAL = "relubias:optional"

MODULES = (
    "relubias",
    "relubias.dynamics",
    "relubias.minnorm",
    "relubias.theory",
    "relubias.theory.lai2026",
    "relubias.ensembles",
    "relubias.ensembles.labels",
    "relubias.sweep",
    "relubias.experiments",
    "relubias.estimators",
    "relubias.diagnosis",
)
"""Public namespaces; a name belongs to the first that has it."""


QUALIFIED = re.compile(r"(rb|relubias)(\.\w+)+")
TOP_LEVEL = {
    name
    for name in relubias.__all__
    if name != "check" and not inspect.ismodule(getattr(relubias, name))
}
"""Names that are links where they stand alone, too."""


def type_links() -> dict[str, str]:
    """Return what types in docstrings link to: classes of this package, and nothing else."""
    links = {name: name for name in DEFAULT_LINKS}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            if name[0].isupper() and not name.isupper():
                links.setdefault(name, f"{module}.{name}")
    return links


class NameRole(PyXRefRole):
    """Plain backticks: code, and a link where the name is documented; it may be an argument."""

    def process_link(
        self,
        env: BuildEnvironment,
        refnode: nodes.Element,
        has_explicit_title: bool,
        title: str,
        target: str,
    ) -> tuple[str, str]:
        """Mark the reference."""
        refnode[OPTIONAL] = True
        refnode["refdomain"], refnode["reftype"] = "py", "obj"
        return super().process_link(env, refnode, has_explicit_title, title, target)


class OwnAttributes(SphinxPostTransform):
    """Attributes in tables of fields link to their own class, never to a namesake elsewhere."""

    default_priority: ClassVar[int] = 5

    def run(self, **kwargs: Any) -> None:
        """Make fuzzy references exact."""
        del kwargs
        objects = self.env.domains.python_domain.objects
        for node in self.document.findall(pending_xref):
            if not node.get("refspecific") or not node.get("py:class"):
                continue
            owner = ".".join(filter(None, (node.get("py:module"), node["py:class"])))
            for name in (f"{owner}.{node['reftarget']}", f"{node['py:class']}.{node['reftarget']}"):
                if name in objects:
                    node["reftarget"] = name
            del node["refspecific"]
            node[OPTIONAL] = True


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Node | None:
    """Link another path of a documented object to it; leave an optional name as code."""
    target = str(node.get("reftarget", ""))
    if node.get("refdomain") == "py" and target.startswith("relubias."):
        found = pydoc.locate(target)
        for name, entry in env.domains.python_domain.objects.items():
            if found is not None and found is pydoc.locate(name):
                return make_refnode(
                    app.builder, node["refdoc"], entry.docname, entry.node_id, content, name
                )
    return content if node.get(OPTIONAL) else None


def list_members(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Append the members of an enum to its description, each with its sentence or value."""
    del app, name, options
    if what != "class" or not (inspect.isclass(obj) and issubclass(obj, enum.Enum)):
        return
    lines += ["", ".. rubric:: Members", ""]
    for member in obj:
        sentence = getattr(member, "sentence", None) or repr(member.value)
        lines += [f"``{member.name}``", f"   {sentence}", ""]


def hide_fields(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Leave out the signature of results: their fields are listed, and nobody calls them."""
    del app, name, options, signature
    is_result = what == "class" and dataclasses.is_dataclass(obj)
    is_result = is_result and "Attributes\n" in (obj.__doc__ or "")
    return ("", returns) if is_result or (what == "class" and issubclass(obj, enum.Enum)) else None


def skip_foreign(
    app: Sphinx, what: str, name: str, obj: Any, skip: bool, options: Any
) -> bool | None:
    """Leave out methods that come from other packages: they are documented there."""
    del app, what, name, skip, options
    function = getattr(obj, "fget", obj)
    module = getattr(function, "__module__", None) or "relubias"
    return None if module.startswith("relubias") else True


def trim_blocks(app: Sphinx, document: nodes.document) -> None:
    """Drop blank lines at the ends of code blocks."""
    del app
    for block in document.findall(nodes.literal_block):
        text = block.astext()
        if text != text.rstrip() and len(block.children) == 1:
            block.children = []
            block += nodes.Text(text.rstrip())
            block.rawsource = text.rstrip()  # a block whose text differs from it is not coloured


def link_code(app: Sphinx, document: nodes.document) -> None:
    """Make code in running text a link where it is a public name: `rb.check`, `gradient_flow`."""
    docname = app.env.current_document.docname
    for literal in list(document.findall(nodes.literal)):
        name = literal.astext().removesuffix("()")
        if name in TOP_LEVEL:
            name = f"relubias.{name}"
        elif not QUALIFIED.fullmatch(name):
            continue
        parents = [literal.parent, getattr(literal.parent, "parent", None)]
        if any(isinstance(node, nodes.reference | nodes.title | pending_xref) for node in parents):
            continue
        target = re.sub(r"^rb\.", "relubias.", name)
        link = pending_xref("", refdomain="py", reftype="obj", reftarget=target, refdoc=docname)
        link[OPTIONAL] = True
        literal.replace_self(link)
        link += literal


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything."""
    app.add_role("name", NameRole())
    app.add_post_transform(OwnAttributes)
    app.connect("missing-reference", resolve)
    app.connect("autodoc-process-docstring", list_members)
    app.connect("autodoc-process-signature", hide_fields)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("doctree-read", trim_blocks)
    app.connect("doctree-read", link_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
