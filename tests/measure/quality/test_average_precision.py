"""Average precision: by hand, as pycocotools has it for COCO, and as its authors have it for LVIS."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lvis import LVIS, LVISEval, LVISResults
from made_up import annotation, answers, write_scenes
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sampipe.data.annotations import read_annotations
from sampipe.measure.quality.average_precision import average_precision
from sampipe.types import RLE

KINDS = {"bbox": "segmentation", "segm": "bbox"}  # and what is left out for it


def perfect(document: Any) -> list[dict[str, Any]]:
    return [
        {"score": 0.9, **{key: row[key] for key in ("image_id", "category_id", "bbox", "segmentation")}}
        for row in document["annotations"]
        if not row["iscrowd"]
    ]


@pytest.mark.parametrize("lvis", [False, True], ids=["coco", "lvis"])
def test_perfect_answers_score_one_and_shuffled_ones_do_not(tmp_path: Path, lvis: bool) -> None:
    read = read_annotations(write_scenes(tmp_path / "data", lvis=lvis))
    assert read.federated == lvis
    right = perfect(read.private())
    wrong = [{**row, "category_id": row["category_id"] % 4 + 1} for row in right]
    for kind in ("bbox", "segm"):
        found = average_precision(read, right, kind)
        assert all(value == pytest.approx(1) for value in found.values() if value is not None)
        assert (average_precision(read, wrong, kind)["ap"] or 0) < 0.2
        assert average_precision(read, [], kind)["ap"] == 0


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_as_pycocotools_has_it(tmp_path: Path, kind: Any) -> None:
    folder = write_scenes(tmp_path / "data")
    read = read_annotations(folder)
    results = answers(json.loads((folder / "instances.json").read_text()))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "instances.json"))
        found = truth.loadRes([{key: row[key] for key in row if key != KINDS[kind]} for row in results])
        evaluator = COCOeval(truth, found, kind)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    mine = average_precision(read, results, kind)
    assert list(mine.values()) == pytest.approx(evaluator.stats[:6].tolist(), abs=1e-9)
    assert 0.05 < (mine["ap"] or 0) < 0.8


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_as_lvis_has_it(tmp_path: Path, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "float", float, raising=False)  # its last release was written for older NumPy
    folder = write_scenes(tmp_path / "data", lvis=True)
    results = answers(json.loads((folder / "instances.json").read_text()))
    truth = LVIS(str(folder / "instances.json"))
    given = [{key: row[key] for key in row if key != KINDS[kind]} for row in results]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it says warn, not warning
        found = LVISResults(truth, given)
    evaluator = LVISEval(truth, found, kind)
    evaluator.run()
    theirs = evaluator.get_results()
    mine = average_precision(read_annotations(folder), results, kind)
    names = ("AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf")
    assert list(mine.values()) == pytest.approx([theirs[name] for name in names], abs=1e-9)


def test_a_category_that_was_not_looked_for_costs_nothing(tmp_path: Path) -> None:
    folder = write_scenes(tmp_path / "data", lvis=True, images=1)
    file = folder / "instances.json"
    document = json.loads(file.read_text())
    image, mask = document["images"][0], RLE.from_coco(document["annotations"][0]["segmentation"])
    image |= {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    document["annotations"] = [annotation(1, 1, 1, mask)]
    image_of_five = {**image, "id": 2, "coco_url": image["coco_url"].replace("1.png", "2.png")}
    document["images"].append(image_of_five)
    document["annotations"].append(annotation(2, 2, 5, mask))
    results = [*perfect(document), {**perfect(document)[0], "category_id": 5, "score": 0.95}]

    def ap() -> float | None:
        file.write_text(json.dumps(document))
        return average_precision(read_annotations(folder), results, "segm")["ap"]

    assert ap() == pytest.approx(1)
    image["neg_category_ids"] = [5]  # now it is known that there is none
    assert ap() == pytest.approx((1 + 0.5) / 2)
    image |= {"neg_category_ids": [], "not_exhaustive_category_ids": [5]}
    document["annotations"].append(annotation(3, 1, 5, RLE.from_mask(~mask.decode())))
    assert ap() == pytest.approx((1 + 0.5) / 2, abs=0.01)  # of two, one is found; the extra one is forgiven
