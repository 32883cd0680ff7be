"""The labels that a FiftyOne dataset has for an image, as prompts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sampipe as sp
from sampipe._optional import require
from sampipe_integrations.fiftyone.labels import check_field, prompts_from_label
from sampipe_integrations.files.lookup import PromptRows


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
    def ids(self) -> PromptRows[str]:
        """The samples' ids by their paths."""
        samples = self._opened()
        found = zip(samples.values("filepath"), samples.values("id"), strict=True)
        return PromptRows({path: [key] for path, key in found}, f"dataset {self.dataset}")

    def left_out(self, sources: Sequence[str]) -> Sequence[str]:
        """The samples that are no image of the job."""
        return self.ids.left_out(sources)

    def _opened(self) -> Any:
        fiftyone = require("fiftyone", "fiftyone")
        if not fiftyone.dataset_exists(self.dataset):
            there = ", ".join(fiftyone.list_datasets()) or "none"
            raise sp.DataError(f"dataset: FiftyOne has no {self.dataset!r}; there is {there}")
        return fiftyone.load_dataset(self.dataset)

    def run(self, image: sp.Image) -> sp.Prompts:
        """The sample's labels."""
        keys, notes = self.ids.find(image.source)
        if not keys:
            return sp.Prompts.empty().replace(notes=notes)
        samples = self._opened()
        check_field(self.field, samples.get_field_schema(), of=self.dataset)
        label = samples[keys[0]][self.field]
        if label is None:
            return sp.Prompts.empty().replace(notes=(f"the sample of this image has no {self.field}",))
        return prompts_from_label(label, image, source=self.type_id)
