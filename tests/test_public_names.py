"""Names that users wrote into their programs stay; importing them stays light."""

from __future__ import annotations

import subprocess
import sys

import sampipe
import sampipe.types
from sampipe import errors

HEAVY = {"torch", "torchvision", "supervision", "skimage", "scipy", "pandas", "pycocotools", "transformers"}


def test_names_of_sampipe() -> None:
    assert sampipe.__all__ == [
        "CheckpointError", "CycleError", "DataError", "DuplicateNodeError", "EdgeMap", "Embedding", "Frame",
        "Graph", "GraphError", "Image", "ImageEmbedding", "Masks", "MissingDependencyError",
        "MissingInputError", "Node", "NodeError", "PortTypeError", "Prompts", "RLE", "Requirement",
        "SamModel", "SampipeError", "SpecError", "Text", "UnknownPortError", "__version__", "add_masks",
        "configure_cache", "demo", "load_model", "register", "resource", "trace",
    ]  # fmt: skip
    assert dir(sampipe) == sampipe.__all__
    for name in sampipe.__all__:
        assert getattr(sampipe, name) is not None


def test_names_of_types() -> None:
    assert sorted(sampipe.types.__all__) == [
        "EdgeMap", "Embedding", "Explanation", "Frame", "Image", "ImageEmbedding", "Masks", "Polygon",
        "Prompts", "RLE", "SAMPLES", "Text",
    ]  # fmt: skip
    for name in sampipe.types.__all__:
        assert getattr(sampipe.types, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    try:
        sampipe.Predictor  # noqa: B018
    except AttributeError as error:
        assert "Predictor" in str(error)
    else:
        raise AssertionError("sampipe.Predictor exists")


def test_every_error_is_a_sampipe_error_and_what_python_calls_it() -> None:
    parents = {
        "GraphError": ValueError,
        "UnknownPortError": errors.GraphError,
        "MissingInputError": errors.GraphError,
        "PortTypeError": errors.GraphError,
        "CycleError": errors.GraphError,
        "DuplicateNodeError": errors.GraphError,
        "SpecError": ValueError,
        "DataError": ValueError,
        "CheckpointError": errors.SampipeError,
        "MissingDependencyError": ImportError,
        "NodeError": RuntimeError,
    }
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and value is not object}
    assert found - {"Any", "Mapping"} == {"SampipeError", *parents}
    for name, parent in parents.items():
        assert issubclass(getattr(errors, name), (errors.SampipeError,))
        assert issubclass(getattr(errors, name), parent)
        assert name in (errors.__doc__ or "")


def test_importing_loads_nothing_heavy() -> None:
    program = (
        "import sys, sampipe, sampipe.types\n"
        "sampipe.Image.open('sample:coffee'), sampipe.Prompts, sampipe.Masks, sampipe.ImageEmbedding\n"
        "print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert HEAVY.isdisjoint(loaded.split())


def test_the_bare_import_does_not_even_load_numpy() -> None:
    program = "import sys, sampipe; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert {"numpy", "PIL", *HEAVY}.isdisjoint(loaded.split())
