"""YAML as graph files use it: plain data only.

PyYAML's safe loader still follows aliases (a small file can become a huge graph), lets a later duplicate key
win in silence, reads ``no`` as false and ``1e-3`` as text. This one refuses the first two, and resolves
scalars by YAML 1.2's core schema (https://yaml.org/spec/1.2.2/#103-core-schema), where ``no`` is text.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from sampipe.errors import SpecError

MAX_CHARACTERS = 1_000_000
MAX_DEPTH = 50

_RESOLVED = (
    ("tag:yaml.org,2002:null", re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", re.compile(r"true|True|TRUE|false|False|FALSE"), list("tTfF")),
    ("tag:yaml.org,2002:int", re.compile(r"[-+]?(0|[1-9][0-9]*)"), list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?"),
        list("-+.0123456789"),
    ),
)


def parse(text: str, where: str) -> Any:
    """The data of one YAML document.

    Raises:
        SpecError: it is not YAML, or uses aliases, anchors, tags or a key twice; the message says where.
    """
    if len(text) > MAX_CHARACTERS:
        raise SpecError(f"{where}: {len(text):,} characters; a graph file has at most {MAX_CHARACTERS:,}.")
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise SpecError(f"{where}: {_short(error)}") from error
    except ValueError as error:  # an integer of thousands of digits
        raise SpecError(f"{where}: {error}") from error


def write(data: Any) -> str:
    """Data as YAML that both this reader and YAML 1.1 readers read back the same."""
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110))


class _Loader(yaml.SafeLoader):
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _refused("aliases", f"*{event.anchor}", event)
        if getattr(event, "anchor", None):
            raise _refused("anchors", f"&{event.anchor}", event)
        if getattr(event, "tag", None):
            raise _refused("tags", event.tag, event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise yaml.composer.ComposerError(None, None, "nested too deeply for a graph file", event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _ in node.value:
            if not isinstance(key_node, yaml.ScalarNode) or not isinstance(self.construct_object(key_node), str):
                raise yaml.constructor.ConstructorError(None, None, "keys are text in graph files", key_node.start_mark)
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value!r} stands here twice", key_node.start_mark
                )
            seen.add(key_node.value)
        return yaml.constructor.BaseConstructor.construct_mapping(self, node, deep)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    """Text with a line separator that readers would fold goes in escapes."""
    style = '"' if any(letter in text for letter in "\x85\u2028\u2029\ufeff") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


def _short(error: yaml.YAMLError) -> str:
    told = [getattr(error, "context", None), getattr(error, "problem", None)]
    problem = ", ".join(filter(None, told)) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def _refused(what: str, text: str, event: Any) -> yaml.YAMLError:
    return yaml.composer.ComposerError(
        None, None, f"{text}: {what} are not allowed in graph files; write the value out", event.start_mark
    )


_Dumper.add_representer(str, _text)
_Loader.yaml_implicit_resolvers = {}
_Dumper.yaml_implicit_resolvers = {
    first: list(rules) for first, rules in yaml.SafeDumper.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in _RESOLVED:
    # PyYAML matches from the start only; a scalar is a number when all of it is one
    _Loader.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern.pattern})$"), _first)
    _Dumper.add_implicit_resolver(_tag, re.compile(f"(?:{_pattern.pattern})$"), _first)
