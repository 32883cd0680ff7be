"""The registry: which names a graph file may use, and the classes behind them.

Names come from entry points (group ``sampipe.nodes``: a vendor's name and the module whose ``__all__`` lists
its nodes) and from :func:`register`. Looking a name up imports that vendor's module and no other; listing the
vendors reads package metadata only.
"""

from __future__ import annotations

import functools
import importlib
import re
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sampipe.errors import DataError, MissingDependencyError, SpecError
from sampipe.graph.names import did_you_mean, listed
from sampipe.graph.node import Node

N = TypeVar("N", bound=type[Node])
_TYPE_ID = re.compile(r"(?P<vendor>[a-z][a-z0-9_]*)\.(?P<name>[A-Za-z]\w*)@(?P<version>[0-9]{1,9})")
_DETECTOR_OF_SUFFIX = {".onnx": "onnx", ".yaml": "onnx_described", ".pt": "ultralytics"}
_registered: dict[str, dict[str, type[Node]]] = {}


def register(vendor: str) -> Callable[[N], N]:
    """Register a node class of a script or notebook, so that graph files can name it.

    ::

        @sp.register("mine")
        class Brightest(sp.Node): ...           # mine.Brightest@1

    A package uses an entry point instead. A class of the same name replaces the earlier one.

    Raises:
        SpecError: the vendor's name is not lower-case letters, digits and underscores, or is installed.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", vendor):
        raise SpecError(f"{vendor!r} cannot be a vendor's name: use lower-case letters, digits, underscores.")
    if vendor in vendors():
        raise SpecError(f"{vendor!r} is an installed vendor ({vendors()[vendor]}). Choose another name.")

    def add(cls: N) -> N:
        _registered.setdefault(vendor, {})[cls.__name__] = cls
        return cls

    return add


def vendors() -> dict[str, str]:
    """The installed vendors and their modules; nothing is imported."""
    return {name: point.module for name, point in points("sampipe.nodes").items()}


def node_types() -> dict[str, type[Node]]:
    """Every registered node class by type id; imports every vendor's module.

    A vendor whose module cannot be imported is left out with a RuntimeWarning that says why.
    """
    found = {}
    for vendor in sorted({*vendors(), *_registered}):
        try:
            classes = _classes(vendor)
        except Exception as error:  # one broken plugin must not hide the others
            warnings.warn(f"The nodes of {vendor!r} are left out: {error}", RuntimeWarning, stacklevel=2)
            continue
        for cls in classes.values():
            found[f"{vendor}.{cls.__name__}@{cls.version}"] = cls
    return found


def find(type_id: str) -> type[Node]:
    """The class behind a type id such as ``"sampipe.Segment@1"``.

    Raises:
        SpecError: the id is malformed or unknown, or asks for a version that is not the installed one.
        MissingDependencyError: the vendor's module needs a package that is not installed.
    """
    match = _TYPE_ID.fullmatch(type_id)
    if match is None:
        raise SpecError(f"{type_id!r} is not a type id: write vendor.Name@version.{_closest(type_id)}")
    vendor, name = match["vendor"], match["name"]
    if vendor not in vendors() and vendor not in _registered:
        known = sorted({*vendors(), *_registered})
        raise SpecError(
            f"{type_id!r}: no vendor {vendor!r} is installed.{did_you_mean(vendor, known)} Installed: {listed(known)}."
        )
    cls = _classes(vendor).get(name)
    if cls is None:
        raise SpecError(f"{type_id!r}: {vendor} has no node {name!r}.{_closest(type_id)}")
    if cls.version != int(match["version"]):
        raise SpecError(
            f"{type_id!r}: version {cls.version} of {vendor}.{name} is installed. Install the package "
            f"the file was made with, or read what changed and write {vendor}.{name}@{cls.version}."
        )
    return cls


def type_id(cls: type[Node]) -> str:
    """``"vendor.Name@version"``; for a class that is not registered ``"module:Name@version"``."""
    for vendor, classes in _registered.items():
        if classes.get(cls.__name__) is cls:
            return f"{vendor}.{cls.__name__}@{cls.version}"
    for vendor, module in vendors().items():
        if f"{cls.__module__}.".startswith(f"{module}.") and _offers(module, cls):
            return f"{vendor}.{cls.__name__}@{cls.version}"
    for vendor, module in vendors().items():
        if _package(module) == _package(cls.__module__) and cls in _classes(vendor).values():
            return f"{vendor}.{cls.__name__}@{cls.version}"
    return f"{cls.__module__}:{cls.__qualname__}@{cls.version}"


def is_registered(cls: type[Node]) -> bool:
    """Whether graph files can name the class."""
    return ":" not in type_id(cls)


def detector(spec: str, /, **params: Any) -> Node:
    """A detector by its short name: ``detector("ultralytics:yolo11n.pt", confidence=0.3)``.

    What comes after the first colon goes to the detector's factory (a file, a model's name). A file alone says by its
    suffix whose it is: ``detector("yolox_s.onnx")``.

    Raises:
        SpecError: no detector of that name is installed, or it does not take these parameters.
    """
    name, colon, argument = spec.partition(":")
    found = points("sampipe.detectors")
    suffix = Path(spec).suffix.lower()
    if name not in found and suffix in _DETECTOR_OF_SUFFIX:
        name, colon, argument = _DETECTOR_OF_SUFFIX[suffix], ":", spec
    if name not in found:
        raise SpecError(
            f"No detector {name!r} is installed.{did_you_mean(name, found)} Installed: {listed(sorted(found))}."
        )
    factory = load_entry(found[name])
    try:
        node = factory(argument if colon else None, **params)
    except (TypeError, DataError) as error:
        raise SpecError(f"Detector {spec!r}: {str(error).rstrip('.')}.") from error
    if not isinstance(node, Node):
        raise SpecError(f"Detector {name!r} ({found[name].value}) made a {type(node).__name__}, not a Node.")
    return node


@functools.cache
def points(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name; metadata only."""
    return {point.name: point for point in sorted(entry_points(group=group), key=lambda point: point.value)}


def load_entry(point: EntryPoint) -> Any:
    """What an entry point names; MissingDependencyError when a package that it imports is not there."""
    try:
        return point.load()
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"{point.name!r} ({point.value}) needs {error.name!r}, which is not installed. "
            f'Install it with: pip install "sampipe[{point.name}]"',
            name=error.name,
        ) from error


def _classes(vendor: str) -> dict[str, type[Node]]:
    found = dict(_registered.get(vendor, {}))
    point = points("sampipe.nodes").get(vendor)
    if point is not None:
        module = load_entry(point)
        for name in getattr(module, "__all__", ()):
            value = getattr(module, name)
            if isinstance(value, type) and issubclass(value, Node):
                found[value.__name__] = value
    return found


def _offers(module: str, cls: type[Node]) -> bool:
    loaded: ModuleType = sys.modules.get(module) or importlib.import_module(module)
    return cls.__name__ in getattr(loaded, "__all__", ()) and getattr(loaded, cls.__name__) is cls


def _package(module: str) -> str:
    return module.partition(".")[0]


def _closest(type_id: str) -> str:
    """Close names among the vendor that was meant and those already loaded: a typing slip imports nothing."""
    vendor = type_id.partition(".")[0]
    look = {"sampipe", vendor, *(name for name, module in vendors().items() if module in sys.modules)}
    known = [
        f"{one}.{cls.__name__}@{cls.version}"
        for one in sorted({*(look & {*vendors()}), *_registered})
        for cls in _classes(one).values()
    ]
    by_bare = {name.partition(".")[2].partition("@")[0]: name for name in known}
    hint = did_you_mean(type_id, known) or did_you_mean(type_id.rpartition(".")[2].partition("@")[0], by_bare)
    for bare, full in by_bare.items():
        hint = hint.replace(f"'{bare}'", f"'{full}'")
    return hint or f" There is {listed(known)}."
