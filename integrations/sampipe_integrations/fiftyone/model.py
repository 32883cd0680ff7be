"""A model for ``dataset.apply_model``: masks of all in each image, of what a graph finds, or of a field's boxes."""

from __future__ import annotations

from typing import Any

import fiftyone.core.models as fom
import numpy as np

import sampipe as sp
from sampipe.graph.chain import as_graph
from sampipe.nodes import Segment
from sampipe_integrations.fiftyone.labels import add_masks_to_label, check_field, masks_to_detections


class SampipeModel(fom.SamplesMixin, fom.Model):  # type: ignore[misc]
    """Any graph that takes an image and gives masks, as FiftyOne's model; or the masks of a field's boxes or points.

    ::

        dataset.apply_model(SampipeModel(detector("nano") | Segment(model="vit_b")), label_field="masks")
        dataset.apply_model(SampipeModel(model="vit_b"), label_field="masks", prompt_field="ground_truth")

    Args:
        graph: a graph or node from an image to masks; None segments what ``prompt_field`` points at.
        model, device: of the Segment Anything model, without a graph.

    Raises:
        DataError: when it runs: neither a graph nor a ``prompt_field``, or a field of other labels.
    """

    config = None  # what FiftyOne would ask for thresholds of its own

    def __init__(self, graph: Any = None, *, model: str = "nano", device: str = "auto") -> None:
        super().__init__()
        self._graph = None if graph is None else as_graph(graph)
        self._segment = Segment(model=model, device=device)

    @property
    def media_type(self) -> str:
        """Images."""
        return "image"

    @property
    def ragged_batches(self) -> bool:
        """Images of one batch may differ in size."""
        return True

    @property
    def transforms(self) -> None:
        """None: images go in as FiftyOne reads them."""
        return None

    @property
    def preprocess(self) -> bool:
        """Nothing to do."""
        return False

    @preprocess.setter
    def preprocess(self, value: bool) -> None:
        """Nothing to do."""

    def predict(self, arg: np.ndarray, sample: Any = None) -> Any:
        """``fiftyone.Detections`` with masks for one image, uint8 RGB (h, w, 3), and its sample."""
        image = sp.Image.from_array(np.asarray(arg))
        if self._graph is not None:
            return masks_to_detections(self._graph.run(image=image).masks)
        field = self.needs_fields.get("prompt_field")
        if sample is None or field is None:
            raise sp.DataError("SampipeModel: got neither a graph nor prompt_field=, the name of a field of boxes")
        check_field(field, sample.field_names, of="the sample")
        return add_masks_to_label(sample[field], image, self._segment)
