"""The registry: names, versions, close names, and that looking imports no more than it must."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from toy_nodes import Bright

import sampipe as sp
from sampipe.graph import registry


def test_a_registered_class_has_an_id_and_is_found():
    assert Bright().type_id == "toy.Bright@1"
    assert registry.find("toy.Bright@1") is Bright
    assert registry.is_registered(Bright)


def test_an_unregistered_class_is_known_by_its_import_path():
    class Local(sp.Node):
        pass

    assert Local().type_id.endswith("Local@1") and ":" in Local().type_id
    assert not registry.is_registered(Local)


def test_vendor_names_are_checked():
    with pytest.raises(sp.SpecError, match="cannot be a vendor's name"):
        sp.register("My Nodes")
    with pytest.raises(sp.SpecError, match="'sampipe' is an installed vendor"):
        sp.register("sampipe")


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """A third-party distribution with entry points, as pip would leave it."""
    (tmp_path / "acme_nodes").mkdir()
    (tmp_path / "acme_nodes" / "__init__.py").write_text(
        "from acme_nodes.inner import Blur, Hidden\n__all__ = ['Blur', 'helper']\ndef helper(): ...\n"
        "def make(argument, **params):\n    return Blur(kind=argument or 'box', **params)\n"
        "def broken(argument):\n    return 3\n"
    )
    (tmp_path / "acme_nodes" / "inner.py").write_text(
        "import sampipe as sp\n"
        "class Blur(sp.Node):\n"
        "    version = 3\n"
        "    kind: str = 'box'\n"
        "    def run(self, image: sp.Image) -> sp.Image: return image\n"
        "class Hidden(Blur): ...\n"
    )
    (tmp_path / "needy_nodes.py").write_text("import a_package_that_is_not_there\n")
    info = tmp_path / "acme_nodes-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-nodes\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[sampipe.nodes]\nacme = acme_nodes\nneedy = needy_nodes\n"
        "[sampipe.detectors]\nblur = acme_nodes:make\nbroken = acme_nodes:broken\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    registry.points.cache_clear()
    yield
    registry.points.cache_clear()
    for name in [name for name in sys.modules if name.startswith("acme_nodes")]:
        del sys.modules[name]


@pytest.mark.usefixtures("acme")
def test_an_entry_point_is_all_it_takes():
    assert registry.vendors()["acme"] == "acme_nodes"
    assert "acme_nodes" not in sys.modules
    blur = registry.find("acme.Blur@3")
    assert blur().type_id == "acme.Blur@3"
    graph = blur(kind="gauss") | Bright()
    assert sp.Graph.from_yaml(graph.to_yaml()) == graph
    with pytest.raises(sp.SpecError, match=r"version 3 of acme.Blur is installed"):
        registry.find("acme.Blur@2")


@pytest.mark.usefixtures("acme")
def test_what_is_not_listed_is_not_registered():
    from acme_nodes.inner import Hidden

    with pytest.raises(sp.SpecError, match="acme has no node 'Hidden'"):
        registry.find("acme.Hidden@3")
    assert not registry.is_registered(Hidden)


@pytest.mark.usefixtures("acme")
def test_a_vendor_that_lacks_a_package_says_so():
    with pytest.raises(sp.MissingDependencyError, match="needs 'a_package_that_is_not_there'"):
        registry.find("needy.Anything@1")


@pytest.mark.usefixtures("acme")
def test_listing_all_leaves_out_the_broken_with_a_warning():
    with pytest.warns(RuntimeWarning, match="'needy' are left out: .*a_package_that_is_not_there"):
        found = registry.node_types()
    assert found["toy.Bright@1"] is Bright
    assert "acme.Blur@3" in found and "sampipe.Segment@1" in found


@pytest.mark.usefixtures("acme")
def test_detectors_by_short_name():
    assert registry.detector("blur").describe() == "Blur()"
    assert registry.detector("blur:gauss").describe() == "Blur(kind='gauss')"
    assert registry.detector("blur:C:/a").describe() == "Blur(kind='C:/a')"
    with pytest.raises(sp.SpecError, match=r"No detector 'blurr' is installed\. Did you mean 'blur'"):
        registry.detector("blurr")
    with pytest.raises(sp.SpecError, match=r"'blur:gauss': Blur has no parameter 'size'\. It takes kind"):
        registry.detector("blur:gauss", size=3)
    with pytest.raises(sp.SpecError, match="made a int, not a Node"):
        registry.detector("broken")


def test_reading_the_registry_imports_no_vendor():
    script = """
import sys
from sampipe.graph import registry
assert {"sampipe", "ultralytics"} <= set(registry.vendors())
assert "ultralytics" in registry.points("sampipe.detectors")
heavy = {"torch", "ultralytics", "torchvision", "supervision", "sampipe_integrations", "pydantic", "yaml"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)
