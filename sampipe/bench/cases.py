"""What is measured: stages, and the cases of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sampipe.errors import DataError

STAGES = ("encode", "modes", "decode", "everything", "postprocess", "pipeline", "scaling", "graph", "import")
PHOTO = (1200, 1800)
WIDE = (2160, 3840)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        stage: one of ``STAGES``.
        key: names it in the JSON file: ``decode_64``.
        title: names it on screen: ``64 boxes to masks``.
        task: the method that a contestant answers with.
        options: what :func:`sampipe.bench.inputs.inputs_of` makes the inputs from.
        count: how many boxes or masks the seconds are for.
        bytes_needed: memory a plain implementation would need; it is left out where there is less.
    """

    stage: str
    key: str
    title: str
    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    count: int = 1
    bytes_needed: int = 0


def cases_of(stages: Sequence[str], *, quick: bool) -> list[Case]:
    """The cases of ``stages``, in order.

    Raises:
        DataError: a stage that does not exist.
    """
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise DataError(f"No stage {unknown[0]!r}. Stages: {', '.join(STAGES)}.")
    made = {"encode": _encode, "decode": _decode, "everything": _everything, "postprocess": _postprocess}
    return [case for stage in made if stage in stages for case in made[stage](quick)]


def _encode(quick: bool) -> list[Case]:
    return [Case("encode", "encode", "one image", "encode")]


def _decode(quick: bool) -> list[Case]:
    counts = (1, 16, 64) if quick else (1, 16, 64, 256)
    cases = [
        Case(
            "decode",
            f"decode_{count}",
            f"{count} box{'es' * (count > 1)}",
            "decode",
            {"boxes": count, "hw": PHOTO},
            count,
            _plain_bytes(count, PHOTO),
        )
        for count in counts
    ]
    cases.insert(0, Case("decode", "decode_logits_16", "16 boxes, logits", "logits", {"boxes": 16, "hw": PHOTO}, 16))
    if not quick:
        wide = {"boxes": 1000, "hw": WIDE}
        needed = _plain_bytes(1000, WIDE)
        cases.append(Case("decode", "decode_1000_rle", "1000 boxes, 4K, RLE", "decode_rle", wide, 1000, needed))
    return cases


def _everything(quick: bool) -> list[Case]:
    side = 6 if quick else 32
    return [
        Case(
            "everything",
            f"everything_{word}",
            f"{side}x{side}, {word} pass",
            "everything",
            {"side": side, "keep": share},
        )
        for word, share in (("all", 1.0), ("few", 0.05))[: 1 if quick else 2]
    ]


def _postprocess(quick: bool) -> list[Case]:
    count = 200 if quick else 1000
    return [
        Case("postprocess", "postprocess", f"{count} masks to RLE", "postprocess", {"masks": count}, count),
        Case("postprocess", "overlay", "50 masks drawn", "overlay", {"masks": 50}),
    ]


def _plain_bytes(count: int, hw: tuple[int, int]) -> int:
    """Decoder maps, the logits in the model's square and the logits at full size, all boxes at once."""
    return count * (7 * 4 * 64 * 64 * 256 + 4 * 1024 * 1024 + 5 * hw[0] * hw[1])
