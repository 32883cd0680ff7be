"""Results and reports."""

from __future__ import annotations

import pickle

import pytest

import sampipe as sp
from sampipe.graph.engines import Engine, load_engine
from sampipe.graph.result import NodeReport, Report, Result

REPORT = Report({"detect": NodeReport(0.25, 2, 3_000_000, "cpu"), "keep": NodeReport(0.5)})


def test_outputs_by_attribute_and_by_key():
    result = Result({"masks": 1, "report": 2}, REPORT)
    assert result.masks == result["masks"] == 1
    assert result.report is REPORT and result["report"] == 2
    assert "masks" in dir(result)
    assert pickle.loads(pickle.dumps(result)).masks == 1


def test_unknown_outputs():
    result = Result({"masks": 1})
    with pytest.raises(AttributeError, match=r"no output 'mask'\. Did you mean 'masks'\? It has masks"):
        _ = result.mask
    with pytest.raises(sp.UnknownPortError, match="no output 'boxes'"):
        _ = result["boxes"]
    assert not hasattr(result, "boxes")


def test_a_report_is_a_mapping_and_a_table():
    assert REPORT.seconds == 0.75
    assert list(REPORT) == ["detect", "keep"]
    assert REPORT["detect"].device == "cpu"
    assert str(REPORT).splitlines()[1].split() == ["detect", "0.2500", "2", "3.0", "cpu"]


def test_engines_by_name():
    assert isinstance(load_engine("local"), Engine)
    engine = load_engine("local")
    assert load_engine(engine) is engine
    with pytest.raises(sp.SpecError, match=r"No engine 'locl' is installed\. Did you mean 'local'"):
        load_engine("locl")


def test_a_result_is_a_mapping():
    masks = sp.Masks.from_binary([[[1, 0], [0, 0]]] * 3, sp.Prompts.from_boxes([[0, 0, 1, 1]] * 3, labels=list("aba")))
    result = Result({"masks": masks, "image": 1}, REPORT, "street.jpg")
    assert list(result) == list(result.keys()) == ["masks", "image"]
    assert len(result) == 2 and "masks" in result and "mask" not in result
    assert dict(result) == {"masks": masks, "image": 1}
    assert dict(**result)["image"] == 1
    assert result.get("mask") is None and result.get("image") == 1
    assert result == result and result != Result({"masks": masks, "image": 1}) and hash(result)
    assert repr(result).splitlines() == [
        "Result of street.jpg",
        "  masks  3 objects: 2 a, 1 b on 2x2 pixels",
        "  image  1",
        "  0.75 s: detect 0.25, keep 0.50",
    ]
