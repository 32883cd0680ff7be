"""The operator: masks for the boxes of a dataset's field, in FiftyOne's app or from Python."""

from __future__ import annotations

from typing import Any

import fiftyone.operators as foo
from fiftyone.operators import types

import sampipe as sp
from sampipe.nodes import Segment
from sampipe_integrations.fiftyone.labels import add_masks_to_label, check_field


class AddMasks(foo.Operator):  # type: ignore[misc]
    """Segments what a field's boxes or key points point at, into a field of its own."""

    @property
    def config(self) -> Any:
        """How the app lists it."""
        return foo.OperatorConfig(
            name="add_masks",
            label="sampipe: add masks",
            description="A mask for every box or key point of a field, by Segment Anything",
            allow_delegated_execution=True,
            allow_immediate_execution=True,
        )

    def resolve_input(self, ctx: Any) -> Any:
        """The form that the app shows."""
        form = types.Object()
        form.str("field", required=True, default="ground_truth", label="Boxes or key points")
        form.str("into", required=True, default="masks", label="Field for the masks")
        form.str("model", required=True, default="nano", label="nano, vit_b, sam2.1_hiera_t, ..., or a file")
        form.str("device", required=True, default="auto", label="Device")
        return types.Property(form, view=types.View(label="sampipe: add masks"))

    def execute(self, ctx: Any) -> dict[str, int]:
        """Every sample of the view; gives the counts of samples and masks.

        Raises:
            DataError: no such field, or one of other labels.
        """
        field, into = ctx.params.get("field", "ground_truth"), ctx.params.get("into", "masks")
        segment = Segment(model=ctx.params.get("model", "nano"), device=ctx.params.get("device", "auto"))
        from sampipe.models import keep_loaded

        keep_loaded(segment.sam)  # for the next time the operator runs
        samples = ctx.target_view()
        check_field(field, samples.get_field_schema(), of="the dataset")
        count = objects = 0
        for sample in samples.iter_samples(autosave=True):
            sample[into] = add_masks_to_label(sample[field], sp.Image.open(sample.filepath), segment)
            count, objects = count + 1, objects + len(sample[into].detections)
        ctx.ops.reload_dataset()
        return {"samples": count, "masks": objects}

    def resolve_output(self, ctx: Any) -> Any:
        """What the app shows afterwards."""
        outputs = types.Object()
        outputs.int("samples", label="Samples")
        outputs.int("masks", label="Masks")
        return types.Property(outputs)
