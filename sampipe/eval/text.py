"""Masks from words: for each picture and each class that is on it, the union of the answer against the union of the
truth, beside two answers that do not read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from sampipe.errors import DataError
from sampipe.eval.report import Evaluation, versions
from sampipe.eval.results import Progress, Results, Shard, keys
from sampipe.eval.statistics import bootstrap_interval
from sampipe.eval.text_answers import TextAnswers, largest_proposal
from sampipe.eval.text_precision import ap50, kept_masks
from sampipe.text.ways import choose_way
from sampipe.train.captioned import compose_scene, draw_query
from sampipe.types import RLE, Image, Masks
from sampipe.types.coco import read_coco

SCENES = "scenes"
"""The name of the composed data: drawn things with sentences about them."""
_SCENES, _SENTENCES, _SIDE = 60, 3, 512
COMMONEST = 10
RIVALS = ("largest", "whole")


@dataclass(frozen=True)
class Asked:
    """One picture with what is asked about it: phrases, and for each the true masks of its instances."""

    name: str
    image: Callable[[], Image]
    truth: Mapping[str, Sequence[RLE]]


def evaluate_text(
    model: str,
    data: str | Path,
    *,
    mode: str | None = None,
    clip: str | None = None,
    device: str = "auto",
    limit: int | None = None,
    min_area: int = 0,
    seed: int = 0,
    points_per_side: int = 8,
    out: Path | None = None,
    shard: Shard | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Ask for every class on every picture, by its name, and compare with the truth.

    Only classes that are on a picture are asked for, so nothing here says how often something is found that is not
    there; AP50 is of the same questions.

    Args:
        model: a Segment Anything model.
        data: a COCO folder, or :data:`SCENES`.
        mode, clip: the way; see :func:`sampipe.text.ways.choose_way`.
        limit: at most so many pictures.
        min_area: a class counts on a picture when its masks together have this many px².
        seed: of the draw, the scenes and the bootstrap.
        points_per_side: of the grid that the largest proposal comes from.
        out: folder for results picture by picture; one that holds a part of this run goes on there.
        shard: of a folder that several processes share.
        progress: told (pictures done, pictures in all).

    Raises:
        DataError: data that cannot be read, or a way that there is not.
        CheckpointError: a model that cannot be loaded.
    """
    asked = list(_scenes(limit or _SCENES, seed) if str(data) == SCENES else _photos(data, limit, min_area, seed))
    phrases = sorted({phrase for one in asked for phrase in one.truth})
    way = choose_way(phrases, model=model, mode=mode, clip=clip, detector=False)
    answers = TextAnswers(way, model=model, device=device)
    made_with = versions(model_digest=answers.digest, device=answers.device, data_digest=_digest(asked))
    parameters = {"min_area": min_area, "seed": seed, "points_per_side": points_per_side}
    measured = Results(out, {"task": "text", "way": str(way), **parameters, **made_with}, shard or Shard()).collect(
        dict(zip(keys([one.name for one in asked]), asked, strict=True)),
        lambda one: _measure(one, answers, partial(largest_proposal, model, device, points_per_side)),
        progress,
    )
    rows = [row for one in measured for row in one["rows"]]
    return Evaluation(
        task="text",
        model=model,
        data=str(data),
        n=len(rows),
        summary={"way": str(way), **parameters, **_summary(asked, measured, rows, parameters)},
        rows=rows,
        versions=made_with,
    )


def _measure(one: Asked, answers: TextAnswers, propose: Callable[[Image], RLE]) -> dict[str, Any]:
    """What was answered about one picture: a row for each phrase, the masks, the seconds."""
    image = one.image()
    answers.warm(image)  # the picture is encoded for every answer alike, before the clock starts
    start = time.perf_counter()
    masks = answers(image, tuple(one.truth))
    masks.rle()
    seconds = time.perf_counter() - start
    proposal = propose(image)
    rows = [_row(one, phrase, masks, proposal) for phrase in one.truth]
    return {"rows": rows, "seconds": seconds, "hw": list(image.hw), "masks": kept_masks(masks)}


def _digest(asked: Sequence[Asked]) -> str:
    """Of what is asked: names, phrases and true masks."""
    found = hashlib.blake2b(digest_size=16)
    for one in asked:
        found.update(one.name.encode())
        for phrase, masks in one.truth.items():
            found.update(phrase.encode() + b"".join(mask.counts for mask in masks))
    return found.hexdigest()


def _photos(data: str | Path, limit: int | None, min_area: int, seed: int) -> Iterator[Asked]:
    for picture in read_coco(data, limit=limit, seed=seed):
        truth: dict[str, list[RLE]] = {}
        for item in picture.objects:
            truth.setdefault(item.category, []).append(item.mask)
        truth = {name: masks for name, masks in truth.items() if _union(masks).area >= max(min_area, 1)}
        if truth:
            yield Asked(picture.path.name, partial(Image.open, picture.path), truth)


def _scenes(count: int, seed: int) -> Iterator[Asked]:
    for number in range(count):
        rng = np.random.default_rng([seed, number, 20_000])  # training draws other numbers
        scene = compose_scene(rng, _SIDE)
        truth: dict[str, list[RLE]] = {}
        for _ in range(_SENTENCES):
            words = draw_query([thing.words for thing in scene.things], rng)
            truth[" ".join(words)] = [RLE.from_mask(thing.mask) for thing in scene.matching(words)]
        yield Asked(f"scene {number}", partial(Image.from_array, scene.pixels), truth)


def _row(one: Asked, phrase: str, masks: Masks, proposal: RLE) -> dict[str, Any]:
    truth = _union(one.truth[phrase])
    labels = masks.prompts.labels or ()
    mine = [rle for rle, label in zip(masks.rle(), labels, strict=True) if label == phrase]
    height, width = truth.hw
    return {
        "image": one.name,
        "phrase": phrase,
        "area": truth.area,
        "instances": len(one.truth[phrase]),
        "answers": len(mine),
        "iou": _iou(_union(mine), truth) if mine else 0.0,
        "largest_iou": _iou(proposal, truth),
        "whole_iou": truth.area / (height * width),
    }


def _union(masks: Sequence[RLE]) -> RLE:
    return masks[0] if len(masks) == 1 else RLE.from_mask(np.any([mask.decode() for mask in masks], axis=0))


def _iou(one: RLE, other: RLE) -> float:
    first, second = one.decode(), other.decode()
    union = int((first | second).sum())
    return float((first & second).sum() / union) if union else 1.0


def _summary(
    asked: Sequence[Asked],
    measured: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, int],
) -> dict[str, Any]:
    if not rows:
        raise DataError(f"nothing was asked: no class covers {parameters['min_area']} px² of any picture")
    images = list(dict.fromkeys(row["image"] for row in rows))
    summary: dict[str, Any] = {
        "images": len(images),
        "questions": len(rows),
        "seconds_per_image": sum(one["seconds"] for one in measured) / len(images),
        "ap50": ap50([one.truth for one in asked], measured),
    }
    for name in ("", *(f"{rival}_" for rival in RIVALS)):
        groups = [[row[f"{name}iou"] for row in rows if row["image"] == image] for image in images]
        summary[f"{name}mean_iou"] = float(np.mean([row[f"{name}iou"] for row in rows]))
        summary[f"{name}mean_iou_interval"] = list(bootstrap_interval(groups, seed=parameters["seed"]))
    summary["classes"] = _by_class(rows)
    for name in ("", *(f"{rival}_" for rival in RIVALS)):
        commonest = [one[f"{name}mean_iou"] for one in summary["classes"][:COMMONEST]]
        summary[f"{name}commonest_mean_iou"] = float(np.mean(commonest))
    return summary


def _by_class(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Mean IoUs of each phrase, the commonest first."""
    phrases: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        phrases.setdefault(row["phrase"], []).append(row)
    ordered = sorted(phrases.items(), key=lambda item: (-len(item[1]), item[0]))
    keys = ("iou", *(f"{rival}_iou" for rival in RIVALS))
    return [
        {"phrase": phrase, "images": len(mine)}
        | {key.replace("iou", "mean_iou"): float(np.mean([row[key] for row in mine])) for key in keys}
        for phrase, mine in ordered
    ]
