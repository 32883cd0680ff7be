"""Docstrings as the site shows them: roles become links, and "see SamNode" becomes the words that stand there."""

from __future__ import annotations

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|meth|func|mod|attr):`~?([\w.]+)`")
SEE = re.compile(r"^(?P<indent> +)(?P<names>[\w, ]+): see :class:`~?(?P<cls>[\w.]+)`[.;]?(?P<rest>.*)$", re.MULTILINE)


class Docstrings(griffe.Extension):
    """Rewrites every docstring before it is parsed."""

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Called once a package is loaded."""
        self._classes: dict[str, str] = {}
        self._collect(pkg)
        self._rewrite(pkg)

    def _collect(self, obj: griffe.Object) -> None:
        for member in obj.members.values():
            if member.is_alias:
                continue
            if member.is_class and member.docstring:
                self._classes[member.name] = member.docstring.value
            self._collect(member)

    def _rewrite(self, obj: griffe.Object) -> None:
        if obj.docstring:
            text = SEE.sub(self._spelled_out, obj.docstring.value)
            obj.docstring.value = ROLE.sub(lambda role: f"`{role[1].rpartition('.')[2]}`", text)
        for member in obj.members.values():
            if not member.is_alias:
                self._rewrite(member)

    def _spelled_out(self, see: re.Match[str]) -> str:
        """The entries of the class that is named, for the parameters that are named."""
        named = self._classes.get(see["cls"].rpartition(".")[2], "")
        entries = []
        for name in see["names"].replace(" ", "").split(","):
            found = re.search(rf"^ {{4,8}}{name}: (?:.+\n?)(?:^ {{8,}}(?!\w+: ).+\n?)*", named, re.MULTILINE)
            if found is None:
                return see[0]
            entries.append(found[0].strip("\n"))
        lines = [_indented(line, see["indent"]) for entry in entries for line in entry.splitlines()]
        rest = see["rest"].strip("; ")
        if rest:
            lines[-1] += f" {rest[0].upper()}{rest[1:]}"
        return "\n".join(lines)


def _indented(line: str, indent: str) -> str:
    """The line of an entry, its first or one that goes on."""
    return f"{indent}{'' if re.match(r' *[a-z_]+: ', line) else '    '}{line.strip()}"
