"""The error tree holds together, in one process and between two."""

from __future__ import annotations

import pickle

import pytest

from sampipe import errors


def test_everything_is_a_sampipe_error_and_of_its_builtin_kind() -> None:
    assert issubclass(errors.UnknownPortError, errors.GraphError) and issubclass(errors.GraphError, ValueError)
    assert issubclass(errors.MissingDependencyError, ImportError) and issubclass(errors.NodeError, RuntimeError)
    tree = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert all(issubclass(error, errors.SampipeError) for error in tree) and len(tree) == 12


def test_a_node_error_travels_between_processes() -> None:
    error = errors.NodeError("segment failed", node="segment", item="a.jpg", inputs={"image": 1})
    back = pickle.loads(pickle.dumps(error))
    assert (str(back), back.node, back.item, back.inputs) == ("segment failed", "segment", "a.jpg", {"image": 1})


def test_a_missing_package_names_its_extra() -> None:
    from sampipe._optional import require

    with pytest.raises(errors.MissingDependencyError, match=r'pip install "sampipe\[eval\]"'):
        require("a_package_that_nobody_has", "eval")


def test_a_package_that_is_there_is_returned() -> None:
    from sampipe._optional import require

    assert require("json", "eval").dumps([]) == "[]"
