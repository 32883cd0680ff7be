"""An ML backend: Label Studio sends an image with clicks and boxes, and gets brush masks.

Importing this module imports label_studio_ml. Serve it::

    python -m sampipe_integrations.label_studio.backend --port 9090

or, by a server for production, what :func:`app` gives.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

import sampipe as sp
from sampipe.nodes import Segment
from sampipe_integrations.label_studio.results import brush_results
from sampipe_integrations.label_studio.tasks import prompts_from_results


class SampipeBackend(LabelStudioMLBase):  # type: ignore[misc]
    """Masks for what was clicked or boxed last, or, without that, for a task's pre-annotated boxes and points.

    Wants a ``BrushLabels`` tag in the labelling configuration, and takes ``KeyPointLabels`` and ``RectangleLabels``
    of it. ``SAMPIPE_MODEL`` names the model ("nano" by default), ``SAMPIPE_DEVICE`` the device. Written for the base
    class of label-studio-ml 1.0 and of 2.0.
    """

    def predict(
        self, tasks: Sequence[Mapping[str, Any]], context: Mapping[str, Any] | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        """One prediction for each task.

        Args:
            tasks: of Label Studio.
            context: what was drawn just now, in ``result``.
            options: whatever else the server says.

        Raises:
            DataError: a configuration without brush labels, or an image that cannot be read.
        """
        from_name, to_name, key, labels = self._brush()
        segment = Segment(
            model=os.environ.get("SAMPIPE_MODEL", "nano"), device=os.environ.get("SAMPIPE_DEVICE", "auto")
        )
        from sampipe.models import keep_loaded

        keep_loaded(segment.sam)  # for the next request
        predictions = []
        for task in tasks:
            image = sp.Image.open(self._path(task, task["data"][key]))
            prompts = prompts_from_results(_asked(task, context), image.hw)
            masks = segment(image, prompts=prompts)
            label = next((name for name in prompts.labels or () if name in labels), labels[0] if labels else None)
            regions = brush_results(masks, from_name=from_name, to_name=to_name, label=label)
            scores = [region["score"] for region in regions if "score" in region]
            mean = sum(scores) / len(scores) if scores else 0.0
            predictions.append({"result": regions, "score": mean, "model_version": f"sampipe-{segment.model}"})
        return predictions

    def _brush(self) -> tuple[str, str, str, list[str]]:
        """The brush tag's name, its image's name, the key of the image in a task, and the labels."""
        for name, tag in self.parsed_label_config.items():
            if tag["type"] == "BrushLabels":
                return name, tag["to_name"][0], tag["inputs"][0]["value"], list(tag.get("labels", ()))
        raise sp.DataError(
            "the labelling configuration has no BrushLabels; wanted one for the masks, beside KeyPointLabels or "
            "RectangleLabels for the prompts"
        )

    def _path(self, task: Mapping[str, Any], reference: str) -> str:
        """The image on this machine; the base class fetches what is not.

        Raises:
            DataError: it cannot be fetched.
        """
        if Path(reference).is_file():
            return reference
        known_task = {"task_id": task["id"]} if "task_id" in self.get_local_path.__code__.co_varnames else {}
        try:
            found = str(self.get_local_path(reference, **known_task))
            if not Path(found).is_file():
                raise FileNotFoundError(f"{found} is not there")
            return found
        except Exception as error:  # whatever the host's own download raises
            raise sp.DataError(
                f"{reference}: the backend cannot fetch this image from Label Studio ({error}). Uploaded files need "
                "LABEL_STUDIO_URL (the server's address) and LABEL_STUDIO_API_KEY (Account & Settings, Legacy Token) "
                "in the backend's environment; files of local storage must lie on this machine."
            ) from error


def _asked(task: Mapping[str, Any], context: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """What was drawn just now, as one object; else the task's predictions."""
    drawn = list((context or {}).get("result") or ())
    if drawn:
        return [{**region, "parentID": "drawn"} for region in drawn]
    return [region for one in task.get("predictions", ()) for region in one["result"]]


def app() -> Any:
    """The backend as a WSGI application."""
    from label_studio_ml.api import init_app

    return init_app(model_class=SampipeBackend)


def main() -> None:
    """Serve it until Ctrl-C, on this machine alone unless ``--host`` says otherwise."""
    parser = argparse.ArgumentParser(description="sampipe's masks as an ML backend of Label Studio")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=9090)
    given = parser.parse_args()
    app().run(host=given.host, port=given.port)


if __name__ == "__main__":
    main()
