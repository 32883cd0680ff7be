"""Boxes and key points from COCO and CSV files."""

import json

import numpy as np
import pytest
from sampipe_integrations.files import CocoBoxes, CsvBoxes

import sampipe as sp
from sampipe.graph.registry import detector
from sampipe.testing import check_node

PICTURE = np.zeros((48, 64, 3), np.uint8)


def image(source):
    return sp.Image.from_array(PICTURE, source=source)


@pytest.fixture
def coco(tmp_path):
    document = {
        "images": [{"id": 7, "file_name": "a/x.jpg"}, {"id": 9, "file_name": "b/x.jpg"}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 5, "name": "5"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 3, "bbox": [2, 4, 10, 20], "keypoints": [5, 6, 2, 9, 9, 0]},
            {"id": 2, "image_id": 7, "category_id": 5, "bbox": [30, 10, 100, 20]},
            {"id": 3, "image_id": 7, "category_id": 3, "bbox": [0, 0, 64, 48], "iscrowd": 1},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(document))
    return str(tmp_path / "instances.json")


def test_coco_boxes_of_the_right_image(coco):
    found = CocoBoxes(path=coco)(image("/photos/a/x.jpg"))
    assert found.boxes.tolist() == [[2, 4, 12, 24], [30, 10, 64, 30]]
    assert found.labels == ("cat", "5") and found.class_ids.tolist() == [3, 5]
    assert found.points is None and found.clipped == 1
    assert len(CocoBoxes(path=coco)(image("b/x.jpg"))) == 0
    assert CocoBoxes(path=coco)(image("c/y.jpg")).boxes.shape == (0, 4)
    with pytest.raises(sp.DataError, match=r"a/x.jpg or b/x.jpg; give paths"):
        CocoBoxes(path=coco)(image("x.jpg"))
    with pytest.raises(sp.DataError, match="does not say where it comes from"):
        CocoBoxes(path=coco)(sp.Image.from_array(PICTURE))


def test_coco_keypoints_become_points(coco):
    both = CocoBoxes(path=coco, keypoints=True)(image("a/x.jpg"))
    assert both.points[0].tolist() == [[5, 6], [0, 0]]
    assert both.point_labels.tolist() == [[1, -1], [-1, -1]]
    assert both.has_boxes.all()
    points = CocoBoxes(path=coco, keypoints=True, boxes=False)(image("a/x.jpg"))
    assert points.labels == ("cat",) and points.boxes is None and points.dropped == 1


def test_coco_results_with_scores(coco, tmp_path):
    rows = [{"image_id": 7, "category_id": 3, "bbox": [1, 1, 5, 5], "score": score} for score in (0.9, 0.2)]
    (tmp_path / "results.json").write_text(json.dumps(rows))
    found = CocoBoxes(path=coco, results=str(tmp_path / "results.json"), confidence=0.5)(image("a/x.jpg"))
    assert found.scores.tolist() == pytest.approx([0.9]) and found.labels == ("cat",)


def test_csv_in_each_format_says_the_same(tmp_path):
    cases = {
        "xyxy": ("image,x0,y0,x1,y1,label,score", "p.png,8,12,24,36,nut,0.5"),
        "xywh": ("Label;filename;X;Y;W;H;confidence", "nut;p.png;8;12;16;24;0.5"),
        "cxcywh": ("file_name,cx,cy,width,height,class,conf", "p.png,0.25,0.5,0.25,0.5,nut,0.5"),
    }
    for box, lines in cases.items():
        path = tmp_path / f"{box}.csv"
        path.write_text("\n".join(lines) + "\n")
        node = CsvBoxes(path=str(path), box=box, fractions=box == "cxcywh", delimiter=";" if box == "xywh" else ",")
        found = node(image("folder/p.png"))
        assert found.boxes.tolist() == [[8, 12, 24, 36]], box
        assert found.labels == ("nut",) and found.scores.tolist() == [0.5] and found.class_ids.tolist() == [-1]
        assert len(node(image("q.png"))) == 0
    assert len(CsvBoxes(path=str(tmp_path / "xyxy.csv"), confidence=0.6)(image("p.png"))) == 0


def test_bad_files_are_said(tmp_path):
    (tmp_path / "columns.csv").write_text("image,left,top\np.png,1,2\n")
    (tmp_path / "words.csv").write_text("image,x0,y0,x1,y1\np.png,1,two,3,4\n")
    (tmp_path / "words.json").write_text("{")
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "lost.json").write_text('{"images": [{"id": 1, "file_name": "p.png"}], "annotations": [{"id": 1}]}')
    (tmp_path / "xywh.csv").write_text("Filename,X,Y,W,H\np.png,1,2,3,4\n")
    (tmp_path / "semicolons.csv").write_text("image;x0;y0;x1;y1\np.png;1;2;3;4\n")
    cases = [
        (CsvBoxes(path=str(tmp_path / "xywh.csv")), r"Boxes seem to be xywh: give CsvBoxes\(box='xywh'\)"),
        (CsvBoxes(path=str(tmp_path / "semicolons.csv")), "give CsvBoxes.delimiter=';'"),
        (CsvBoxes(path=str(tmp_path / "columns.csv")), "no column x1, y1; its first line names image, left, top"),
        (CsvBoxes(path=str(tmp_path / "words.csv")), "line 2: y0: got 'two', wanted a number"),
        (CsvBoxes(path=str(tmp_path / "none.csv")), "is no file; wanted a CSV file"),
        (CocoBoxes(path=str(tmp_path / "words.json")), "cannot be read as JSON"),
        (CocoBoxes(path=str(tmp_path / "other.json")), "lacks images"),
        (CocoBoxes(path=str(tmp_path / "lost.json")), "lacks category_id"),
    ]
    for node, reason in cases:
        with pytest.raises(sp.DataError, match=reason):
            node(image("p.png"))
    with pytest.raises(sp.DataError, match="wanted one of 'xyxy', 'xywh', 'cxcywh'"):
        CsvBoxes(path="x.csv", box="yxyx")
    with pytest.raises(sp.DataError, match="neither boxes nor keypoints"):
        CocoBoxes(path="x.json", boxes=False)


def test_a_changed_file_is_another_node_to_every_cache(tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("image,x0,y0,x1,y1\np.png,1,2,3,4\n")
    node = CsvBoxes(path=str(path))
    before = node.digest()
    path.write_text("image,x0,y0,x1,y1\np.png,1,2,3,5\n")
    assert node.digest() != before
    assert node.digest() == CsvBoxes(path=str(path)).digest()


def test_they_behave_as_nodes(tmp_path):
    (tmp_path / "one.csv").write_text("image,x0,y0,x1,y1\np.png,0,0,9,9\n")
    (tmp_path / "one.json").write_text(
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "p.png"}],
                "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "keypoints": [1, 1, 2]}],
            }
        )
    )
    check_node(CsvBoxes(path=str(tmp_path / "one.csv")))
    check_node(CocoBoxes(path=str(tmp_path / "one.json"), keypoints=True))


def test_short_names(tmp_path):
    assert detector("coco_boxes:a.json", keypoints=True).changed_params() == {"path": "a.json", "keypoints": True}
    assert detector("csv_boxes:a.csv").type_id == "files.CsvBoxes@1"
