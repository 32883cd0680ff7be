"""The labels that a FiftyOne dataset has for an image, as prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sampipe as sp
from sampipe._optional import require
from sampipe.data.names import Names
from sampipe_integrations.fiftyone.labels import check_field, prompts_from_label


class FiftyOneBoxes(sp.Node):
    """Boxes or key points of a field of a FiftyOne dataset, as prompts; the image is found by its path.

    Args:
        dataset: the dataset's name.
        field: of ``Detections`` or ``Keypoints``.

    Raises:
        DataError: no such dataset or field, another kind of label, or an image that is not from a file.
        MissingDependencyError: fiftyone is not installed.
    """

    dataset: str
    field: str = "ground_truth"
    pure = False  # the dataset may change between two runs

    def requirements(self) -> Sequence[sp.Requirement]:
        """fiftyone."""
        return (sp.Requirement.package("fiftyone", pip="fiftyone"),)

    @sp.resource
    def ids(self) -> Mapping[str, str]:
        """The samples' ids by their paths."""
        samples = self._opened()
        return dict(zip(samples.values("filepath"), samples.values("id"), strict=True))

    def _opened(self) -> Any:
        fiftyone = require("fiftyone", "fiftyone")
        if not fiftyone.dataset_exists(self.dataset):
            there = ", ".join(fiftyone.list_datasets()) or "none"
            raise sp.DataError(f"dataset: FiftyOne has no {self.dataset!r}; there is {there}")
        return fiftyone.load_dataset(self.dataset)

    def run(self, image: sp.Image) -> sp.Prompts:
        """The sample's labels."""
        key = Names(self.ids, f"dataset {self.dataset}").find(image.source)
        if key is None:
            return sp.Prompts.empty()
        samples = self._opened()
        check_field(self.field, samples.get_field_schema(), of=self.dataset)
        return prompts_from_label(samples[self.ids[key]][self.field], image, source=self.type_id)
