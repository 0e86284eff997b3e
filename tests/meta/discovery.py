"""Find the public surface of the package: what users can import without an underscore."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

import relubias


def all_modules():
    """Return every module of the package, by name."""
    names = [info.name for info in pkgutil.walk_packages(relubias.__path__, "relubias.")]
    return {name: importlib.import_module(name) for name in ["relubias", *names]}


def public_modules():
    """Return the packages without an underscore, and the modules that their ``__all__`` lists."""
    found = {}
    for name, module in all_modules().items():
        is_private = any(part.startswith("_") for part in name.split("."))
        if hasattr(module, "__path__") and not is_private:
            found[name] = module
            members = [getattr(module, member) for member in getattr(module, "__all__", ())]
            found |= {member.__name__: member for member in members if inspect.ismodule(member)}
    return found


def public_objects():
    """Return the functions and classes listed in ``__all__`` of public modules, by full name."""
    found = {}
    for module in public_modules().values():
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            is_ours = getattr(value, "__module__", "").startswith("relubias")
            if (inspect.isfunction(value) or inspect.isclass(value)) and is_ours:
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def own_members(cls):
    """Return the public methods and properties that a class of this package defines itself.

    A method that overrides one of the package with the same parameters keeps its contract: the
    one that is overridden is returned.
    """
    found = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("relubias"):
            continue
        for name, value in vars(base).items():
            if name.startswith("_"):
                continue
            if isinstance(value, (classmethod, staticmethod)):
                value = value.__func__
            is_method = inspect.isfunction(value)
            if name not in found:
                if isinstance(value, property) or is_method:
                    found[name] = value
            elif is_method and _parameters(value) == _parameters(found[name]):
                found[name] = value
    return found


def _parameters(function):
    return list(inspect.signature(function).parameters) if inspect.isfunction(function) else None
