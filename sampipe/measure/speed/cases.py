"""What is measured: stages, and the cases of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sampipe.errors import DataError

STAGES = (
    "encode", "modes", "decode", "everything", "postprocess", "first-mask", "nano", "pipeline", "scaling", "graph",
    "import",
)  # fmt: skip
PHOTO = (1200, 1800)
WIDE = (2160, 3840)


@dataclass(frozen=True)
class Case:
    """One row of the table.

    Args:
        stage: one of ``STAGES``.
        key: names it in the JSON file: ``decode_64``.
        title: names it on screen: ``64 boxes``.
        task: the method that a contestant answers with.
        options: what :func:`sampipe.measure.speed.inputs.inputs_of` makes the inputs from.
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
    """The cases of ``stages`` that contestants take part in, in order; those of nano are :func:`nano_cases`.

    Raises:
        DataError: a stage that does not exist.
    """
    unknown = [stage for stage in stages if stage not in STAGES]
    if unknown:
        raise DataError(f"No stage {unknown[0]!r}. Stages: {', '.join(STAGES)}.")
    masks = 200 if quick else 1000
    every = [
        Case("encode", "encode", "one image", "encode"),
        Case("decode", "decode_logits_16", "16 boxes, logits", "logits", {"boxes": 16, "hw": PHOTO}, 16),
        *(_decode(count) for count in ((1, 16, 64) if quick else (1, 16, 64, 256))),
        *([] if quick else [_wide(1000)]),
        *_everything(quick),
        Case("postprocess", "postprocess", f"{masks} masks to RLE", "postprocess", {"masks": masks}, masks),
        Case("postprocess", "overlay", "50 masks drawn", "overlay", {"masks": 50}),
    ]
    return [case for case in every if case.stage in stages]


def nano_cases(*, quick: bool) -> list[Case]:
    """The same work by the embedded model: an image, 1, 16 and 64 boxes, everything."""
    wanted = {"encode", "decode_1", "decode_16", "decode_64", "everything_all"}
    cases = [case for case in cases_of(("encode", "decode", "everything"), quick=quick) if case.key in wanted]
    return [replace(case, stage="nano", key=f"nano_{case.key}", title=f"nano, {case.title}") for case in cases]


def _decode(count: int) -> Case:
    options = {"boxes": count, "hw": PHOTO}
    title = f"{count} box{'es' * (count > 1)}"
    return Case("decode", f"decode_{count}", title, "decode", options, count, _plain_bytes(count, PHOTO))


def _wide(count: int) -> Case:
    options, needed = {"boxes": count, "hw": WIDE}, _plain_bytes(count, WIDE)
    return Case("decode", f"decode_{count}_rle", f"{count} boxes, 4K, RLE", "decode_rle", options, count, needed)


def _everything(quick: bool) -> list[Case]:
    side = 6 if quick else 32
    shares = {"all": 1.0} if quick else {"all": 1.0, "few": 0.05}
    return [
        Case(
            "everything",
            f"everything_{word}",
            f"{side}x{side}, {word} pass",
            "everything",
            {"side": side, "keep": keep},
        )
        for word, keep in shares.items()
    ]


def _plain_bytes(count: int, hw: tuple[int, int]) -> int:
    """Decoder maps, the logits in the model's square and the logits at full size, all boxes at once."""
    return count * (7 * 4 * 64 * 64 * 256 + 4 * 1024 * 1024 + 5 * hw[0] * hw[1])
