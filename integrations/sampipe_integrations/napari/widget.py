"""The widget: points and boxes of napari's layers in, a labels layer out.

magicgui makes its fields of the annotations, which are therefore evaluated in this module.
"""

import napari
from magicgui import magic_factory
from napari.layers import Image, Points, Shapes
from napari.qt.threading import thread_worker
from napari.utils.notifications import show_info

import sampipe as sp
from sampipe.models import keep_loaded
from sampipe.nodes import Segment
from sampipe_integrations.napari.layers import Shown, labels_of, prompts_of, slice_of

_NAME = "sampipe"


@magic_factory(
    call_button="Segment",
    boxes={"label": "boxes", "tooltip": "rectangles of a shapes layer, one object each"},
    points={"label": "points", "tooltip": "on the object; with one box, on what is in it"},
    background={"label": "not here", "tooltip": "points beside the object"},
    each_point={"label": "an object a point"},
    model={"tooltip": "a name of `sampipe models`, a checkpoint file or a folder of transformers"},
)
def segment_widget(
    viewer: napari.Viewer,
    image: Image,
    boxes: Shapes | None = None,
    points: Points | None = None,
    background: Points | None = None,
    each_point: bool = False,
    model: str = "nano",
    device: str = "auto",
) -> None:
    """Segment what boxes and points of the shown slice point at, into the labels layer "sampipe"."""
    shown = slice_of(image, viewer.dims.point)
    prompts = prompts_of(shown, boxes=boxes, points=points, background=background, each_point=each_point)
    if not len(prompts):
        show_info("Nothing to segment: draw a rectangle or set a point in the slice that is shown.")
        return

    @thread_worker(connect={"returned": lambda masks: _show(viewer, shown, masks)})  # type: ignore[untyped-decorator]
    def work() -> sp.Masks:
        segment = Segment(model=model, device=device)
        keep_loaded(segment.sam)  # for the next click
        return segment(shown.image, prompts=prompts).best()

    work()


def _show(viewer: napari.Viewer, shown: Shown, masks: sp.Masks) -> None:
    layer = {one.name: one for one in viewer.layers}.get(_NAME)
    data = labels_of(shown, masks, None if layer is None else layer.data)
    if layer is not None and layer.data.shape == data.shape:
        layer.data = data
    else:
        where = {name: getattr(shown.layer, name) for name in ("scale", "translate", "rotate", "shear", "affine")}
        viewer.add_labels(data, name=_NAME, **where)
