"""What ``pip install sampipe`` brings along, by the metadata of what is installed: no AGPL, no web framework."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

WEB = {
    "aiohttp", "bottle", "cherrypy", "dash", "django", "falcon", "fastapi", "flask", "gradio", "hypercorn", "litestar",
    "quart", "sanic", "starlette", "streamlit", "tornado", "uvicorn", "werkzeug",
}  # fmt: skip
COPYLEFT = re.compile(r"\bA?GPL|Affero|General Public License", re.IGNORECASE)
LESSER = re.compile(r"\bLGPL|Lesser General Public|Library General Public", re.IGNORECASE)
ASKED_FOR_BY_NAME = {"ultralytics"}


def brought_by(name: str, extra: str = "") -> set[str]:
    """The distributions that an installation of ``name`` brings here, itself included."""
    found: set[str] = set()
    waiting = [(name, extra)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        try:
            requires = distribution(one[0]).requires or []
        except PackageNotFoundError:
            continue  # of another system, and not here
        found.add(canonicalize_name(one[0]))
        for line in requires:
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": one[1]}):
                waiting += [(wanted.name, inner) for inner in ("", *wanted.extras)]
    return found


def licence(name: str) -> str:
    """What a distribution says about its licence: the short fields, not the text of licences."""
    metadata = distribution(name).metadata
    fields = [metadata.get("License-Expression") or "", (metadata.get("License") or "").split("\n")[0][:200]]
    return "; ".join([*fields, *(one for one in metadata.get_all("Classifier") or () if one.startswith("License"))])


def is_copyleft(text: str) -> bool:
    return bool(COPYLEFT.search(LESSER.sub("", text)))


def test_the_base_install_is_there_and_not_small() -> None:
    base = brought_by("sampipe")
    assert {"sampipe", "torch", "supervision", "numpy", "pydantic", "jinja2"} <= base


def test_the_base_install_brings_no_web_framework() -> None:
    assert brought_by("sampipe") & WEB == set()


def test_the_base_install_brings_nothing_under_agpl() -> None:
    base = brought_by("sampipe")
    assert not base & ASKED_FOR_BY_NAME
    assert {name: licence(name) for name in base if is_copyleft(licence(name))} == {}


def test_what_the_tests_look_for_would_be_found() -> None:
    assert "ultralytics" in brought_by("sampipe", extra="ultralytics")
    assert is_copyleft(licence("ultralytics"))
    assert not is_copyleft("GNU Lesser General Public License v3") and is_copyleft(
        "GNU Affero General Public License v3"
    )


@pytest.mark.parametrize("extra", ["video", "rasterio"])
def test_video_and_rasters_bring_neither(extra: str) -> None:
    brought = brought_by("sampipe", extra=extra)
    assert {"video": {"av", "trackers"}, "rasterio": {"rasterio"}}[extra] <= brought
    assert brought & (WEB | ASKED_FOR_BY_NAME) == set()
    assert {name: licence(name) for name in brought if is_copyleft(licence(name))} == {}


def test_the_extra_for_everything_leaves_agpl_out() -> None:
    assert not brought_by("sampipe", extra="all") & ASKED_FOR_BY_NAME
