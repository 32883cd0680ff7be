"""``sampipe nodes``: what a graph can be built of."""

from __future__ import annotations

import inspect
import re
import textwrap
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sampipe.cli import _options as options
from sampipe.cli import _screen

if TYPE_CHECKING:
    from sampipe.graph import Node
    from sampipe.graph.fields import NodeField


def nodes(
    name: Annotated[str | None, typer.Argument(help="One node, in full: Segment or sampipe.Segment@1.")] = None,
    json: options.JsonDocument = False,
) -> None:
    """List the installed nodes, or tell all about one."""
    from sampipe.graph.registry import node_types

    rows = [_facts(type_id, cls) for type_id, cls in node_types().items()]
    if name is not None:
        rows = [_one(name, rows)]
    if json:
        _screen.print_json(rows)
    elif name is not None:
        _print_one(rows[0])
    else:
        cells = [
            (row["type"], _ports(row["inputs"]), _ports(row["outputs"]), row["problem"] or row["summary"])
            for row in rows
        ]
        _screen.print_table(cells, columns=("node", "takes", "gives", "what it does"))


def _facts(type_id: str, cls: type[Node]) -> dict[str, Any]:
    from sampipe.errors import GraphError
    from sampipe.graph.fields import fields
    from sampipe.graph.ports import Ports, ports_of, type_name

    problem, ports = None, Ports({}, {})
    parameters: tuple[NodeField, ...] = ()
    try:
        parameters = fields(cls)
        ports = ports_of(cls)
    except GraphError as error:  # one broken node must not hide the others
        problem = str(error)
    documentation = _plain(inspect.cleandoc(cls.__doc__ or ""))
    return {
        "type": type_id,
        "summary": documentation.partition("\n\n")[0].replace("\n", " "),
        "inputs": [
            {"name": port.name, "type": type_name(port.type), "required": port.required}
            for port in ports.inputs.values()
        ],
        "outputs": [{"name": port.name, "type": type_name(port.type)} for port in ports.outputs.values()],
        "parameters": [_parameter(field) for field in parameters],
        "documentation": documentation,
        "problem": problem,
    }


def _plain(documentation: str) -> str:
    """Without the marks that only a documentation builder reads: ``:class:`~a.b.Name``` is Name."""
    without_roles = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"\1", documentation)
    return without_roles.replace("``", "")


def _parameter(field: NodeField) -> dict[str, Any]:
    default = {} if field.required else {"default": _json_or_words(field.default)}
    limits = {name: limit for name, limit in field.limits._asdict().items() if limit is not None}
    return {
        "name": field.name,
        "required": field.required,
        "wanted": field.wanted,
        "help": field.help,
        **default,
        **({"limits": limits} if limits else {}),
        **({"choices": list(field.choices)} if field.choices else {}),
    }


def _json_or_words(value: Any) -> Any:
    """A default that no graph file could hold is somebody's mistake, and no reason to fail here."""
    try:
        dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return repr(value)
    return value


def _one(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    from sampipe.errors import SpecError
    from sampipe.graph.names import did_you_mean

    def names(row: dict[str, Any]) -> tuple[str, ...]:
        without_version = row["type"].partition("@")[0]
        return row["type"], without_version, without_version.partition(".")[2]

    found = [row for row in rows if name in names(row)]
    if not found:
        known = [bare for row in rows for bare in names(row)]
        raise SpecError(f"no node {name!r} is installed.{did_you_mean(name, known)} See `sampipe nodes`.")
    if len(found) > 1:
        raise SpecError(f"{name!r} can be {' or '.join(row['type'] for row in found)}: say which.")
    return found[0]


def _print_one(row: dict[str, Any]) -> None:
    print(row["type"])
    about, _, rest = row["documentation"].partition("\n\nArgs:\n")
    print(f"\n{about}\n")
    print(f"takes       {_ports(row['inputs']) or 'nothing'}")
    print(f"gives       {_ports(row['outputs'])}")
    print("parameters" if row["parameters"] else "no parameters")
    for parameter in row["parameters"]:
        default = "" if parameter["required"] else f" = {parameter['default']!r}"
        print(f"  {parameter['name']}{default}: {parameter['wanted']}")
        if parameter["help"]:
            print(textwrap.indent(textwrap.fill(parameter["help"], 100), "      "))
    _, raises, errors = rest.partition("Raises:\n")
    if raises:
        print(f"\nRaises:\n{errors}")


def _ports(ports: list[dict[str, Any]]) -> str:
    return ", ".join(port["name"] + ("" if port.get("required", True) else "?") for port in ports)
