"""Parameters: their limits, declared once with the field, and what is read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
import torch
from pydantic import Field

import sampipe as sp
from sampipe.graph import fields

Row = Annotated[Sequence[float], Field(min_length=2, max_length=2)]


class Base(sp.Node):
    """A base.

    Args:
        share: how much of
            it, ``0`` to 1.
        count: how many.
    """

    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    count: Annotated[int, Field(ge=1)] | None = None

    def run(self, image: sp.Image) -> sp.Image:
        return image


class Many(Base):
    """Parameters of every kind.

    Args:
        rows: pairs.
        share: see :class:`Base`.
    """

    rows: Sequence[Row] = ()
    mode: Literal["fast", "slow"] = "fast"
    names: Sequence[str] | None = None
    factor: Annotated[float, Field(gt=1)] = 2.0
    six: Annotated[tuple[int, ...], Field(min_length=1, description="whole numbers in a row")] = (1,)
    file: str = "a.txt"
    on: bool = False
    extra: Mapping[str, Any] | None = None


def test_what_is_known_of_a_parameter():
    found = {field.name: field for field in fields(Many)}
    share, count, mode = found["share"], found["count"], found["mode"]
    assert list(found)[:3] == ["share", "count", "rows"]
    assert (share.type, share.default, share.limits.ge, share.limits.le) == (float, 0.5, 0, 1)
    assert (share.optional, share.required, share.help) == (False, False, "how much of it, 0 to 1.")
    assert (count.type, count.optional, count.limits.ge, count.limits.le) == (int, True, 1, None)
    assert (mode.choices, found["on"].type, found["factor"].limits.gt) == (("fast", "slow"), bool, 1)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"share": 1.5}, "Many: share=1.5 does not fit; wanted a number from 0 to 1."),
        ({"share": "0.5"}, "Many: share='0.5' does not fit; wanted a number from 0 to 1."),
        ({"share": True}, "wanted a number from 0 to 1."),
        ({"share": float("nan")}, "Many: share=nan does not fit"),
        ({"count": 0}, "Many: count=0 does not fit; wanted a whole number, at least 1 or null."),
        ({"count": 2.5}, "wanted a whole number, at least 1 or null."),
        ({"rows": [[1, 2], [3]]}, "wanted a list of lists of 2 numbers (rows[1] is [3])."),
        ({"rows": [[1, np.inf]]}, "rows[0][1] is inf"),
        ({"mode": "quick"}, "Many: mode='quick' does not fit; wanted one of 'fast', 'slow'."),
        ({"names": "cat"}, "Many: names='cat' does not fit; wanted a list of strings, such as ['cat', 'dog'] or null."),
        ({"factor": 1}, "wanted a number, above 1."),
        ({"six": []}, "Many: six=[] does not fit; wanted whole numbers in a row."),
        ({"on": 1}, "wanted true or false."),
        ({"share": None}, "Many: share=None does not fit"),
        ({"shares": 1}, "Many has no parameter 'shares'. Did you mean 'share'? It takes share, count"),
    ],
)
def test_one_sentence_says_what_was_given_and_what_was_wanted(given: dict[str, Any], said: str):
    with pytest.raises(sp.DataError) as error:
        Many(**given)
    assert said in str(error.value)


def test_a_parameter_without_a_default_is_named():
    class Needs(sp.Node):
        path: Annotated[str, Field(pattern=r"\S", description="the path of a file")]

        def run(self, image: sp.Image) -> sp.Image:
            return image

    with pytest.raises(sp.DataError, match=r"Needs needs the parameter 'path': the path of a file\."):
        Needs()
    with pytest.raises(sp.DataError, match="path=' ' does not fit; wanted the path of a file"):
        Needs(path=" ")


def test_numpy_values_tensors_and_paths_are_what_they_mean():
    rows = np.array([[1, 2], [3, 4]], np.float32)
    node = Many(share=np.float32(0.5), count=np.int64(3), rows=rows, file=Path("b.txt"), on=np.True_)
    assert node == Many(share=0.5, count=3, rows=[[1, 2], [3, 4]], file="b.txt", on=True)
    assert node.params()["rows"] == [[1.0, 2.0], [3.0, 4.0]]
    assert Many(rows=torch.from_numpy(rows), share=torch.tensor(0.5)) == Many(rows=rows)
    assert type(node.count) is int and type(node.on) is bool


def test_a_limit_on_a_default_is_no_business_of_who_gives_another_value():
    assert Many(six=(1, 2)).six == (1, 2)
    assert Many(share=1).share == 1.0


def test_an_annotation_that_cannot_be_read_is_an_error_that_says_so():
    class Odd(sp.Node):
        size: Missing = 1  # noqa: F821

        def run(self, image: sp.Image) -> sp.Image:
            return image

    with pytest.raises(sp.GraphError, match=r"Odd has an annotation that cannot be read: .*'Missing'"):
        Odd(size=2)
