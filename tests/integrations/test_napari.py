"""The napari plugin: found by npe2, and run in napari, with Qt offscreen or in its window on a display."""

import os
import time

import numpy as np
import pytest
from hosts import host

import sampipe as sp
from sampipe.nodes import Segment

HOW = 'an environment with "napari[pyqt6]"'
BOX = [175, 66, 274, 165]
pytestmark = pytest.mark.filterwarnings("ignore")  # the host's own


@pytest.fixture(scope="module")
def picture():
    return sp.Image.open("sample:astronaut")


@pytest.fixture(scope="module")
def qt():
    """Qt without a screen, unless there is a display."""
    if "DISPLAY" not in os.environ:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    host("napari", HOW)
    from qtpy.QtWidgets import QApplication

    return QApplication.instance() or QApplication([])


def rectangle(x0, y0, x1, y1):
    """As napari draws what covers these pixels: rows first, pixel centres at whole numbers."""
    rows, columns = np.array([y0, y0, y1, y1]) - 0.5, np.array([x0, x1, x1, x0]) - 0.5
    return np.stack([rows, columns], axis=1)


def until(qt, done):
    """Let Qt work until it is done, for a minute at most."""
    end = time.monotonic() + 60
    while not done() and time.monotonic() < end:
        qt.processEvents()
    assert done()


def segmented(picture, prompts):
    from sampipe.data.label_png import label_image

    return label_image(Segment(model="nano", device="cpu")(picture, prompts=prompts).best())


def test_the_manifest_is_found_and_names_the_widget(qt):
    import npe2

    manifest = npe2.PluginManifest.from_distribution("sampipe")
    [widget] = manifest.contributions.widgets
    [command] = [one for one in manifest.contributions.commands if one.id == widget.command]
    made = command.python_name.import_name() if hasattr(command.python_name, "import_name") else command.python_name
    assert made == "sampipe_integrations.napari.widget:segment_widget"


def test_the_widget_segments_layers_that_are_scaled_and_moved(qt, picture):
    from napari.components import ViewerModel
    from sampipe_integrations.napari.widget import segment_widget

    viewer = ViewerModel()
    image = viewer.add_image(picture.pixels, rgb=True, scale=(0.5, 0.25), translate=(10, 20))
    corners = image.data_to_world  # drawn where the image lies, in a layer without a scale of its own
    drawn = [[corners(vertex) for vertex in rectangle(*box)] for box in (BOX, [0, 300, 200, 500])]
    shapes = viewer.add_shapes(np.array(drawn), shape_type="rectangle")
    segment_widget()(viewer, image, boxes=shapes, device="cpu")
    until(qt, lambda: "sampipe" in viewer.layers)
    layer = viewer.layers["sampipe"]
    assert np.allclose(layer.scale, (0.5, 0.25)) and np.allclose(layer.translate, (10, 20))
    assert np.array_equal(layer.data, segmented(picture, sp.Prompts.from_boxes([BOX, [0, 300, 200, 500]])))
    shapes.data = shapes.data[:1]
    segment_widget()(viewer, image, boxes=shapes, device="cpu")
    until(qt, lambda: layer.data.max() == 1)
    assert np.array_equal(layer.data, segmented(picture, sp.Prompts.from_boxes([BOX]))) and len(viewer.layers) == 3


def test_points_boxes_and_slices(qt, picture):
    from napari.layers import Image, Points, Shapes
    from sampipe_integrations.napari.layers import labels_of, prompts_of, slice_of

    grey = picture.pixels.mean(axis=2).astype(np.uint16) * 100
    stack = Image(np.stack([grey, grey[::-1]]), contrast_limits=(0, 25_500))
    shown = slice_of(stack, (1.0, 0.0, 0.0))
    assert shown.step == (1,) and np.array_equal(shown.image.pixels[..., 0], grey[::-1] // 100)
    on = Points([[1, 40, 50], [0, 70, 80], [1, 90.5, 60]])
    off = Points([[10, 20]])  # of two axes: on every slice
    one = prompts_of(shown, boxes=None, points=on, background=off, each_point=False)
    assert one.points.tolist() == [[[50, 40], [60, 90.5], [20, 10]]] and one.point_labels.tolist() == [[1, 1, 0]]
    two = prompts_of(shown, boxes=None, points=on, background=off, each_point=True)
    assert two.points.tolist() == [[[50, 40], [20, 10]], [[60, 90.5], [20, 10]]]
    box = Shapes([rectangle(*BOX)], shape_type="rectangle")
    boxed = prompts_of(shown, boxes=box, points=on, background=off, each_point=False)
    assert boxed.boxes.tolist() == [BOX] and boxed.point_labels.tolist() == [[1, 1, 0]]
    more = Shapes([rectangle(*BOX), rectangle(0, 0, 9, 9)], shape_type="rectangle")
    assert len(prompts_of(shown, boxes=more, points=on, background=off, each_point=False)) == 3
    assert not len(prompts_of(shown, boxes=None, points=None, background=off, each_point=True))
    masks = sp.Masks.from_binary(np.ones((1, 512, 512), bool))
    earlier = np.full((2, 512, 512), 7, np.int32)
    data = labels_of(shown, masks, earlier)
    assert (data[0] == 7).all() and (data[1] == 1).all() and (earlier == 7).all()


def test_colors_of_more_bits_and_pyramids(qt, picture):
    from napari.layers import Image
    from sampipe_integrations.napari.layers import slice_of

    half = picture.pixels[::2, ::2]
    for data, options in (
        (picture.pixels.astype(np.uint16) * 257, {}),
        (picture.pixels / 255, {}),
        ([picture.pixels, half], {"multiscale": True}),
    ):
        shown = slice_of(Image(data, rgb=True, **options), (0.0, 0.0))
        assert np.array_equal(shown.image.pixels, picture.pixels)


@pytest.mark.skipif("DISPLAY" not in os.environ, reason="needs a display: xvfb-run pytest ...")
def test_the_widget_in_napari_s_window(qt, picture):
    import napari
    from napari.utils.notifications import notification_manager

    viewer = napari.Viewer(show=False)
    try:
        viewer.add_image(picture.pixels, rgb=True)
        viewer.add_shapes([rectangle(*BOX)], shape_type="rectangle")
        _, widget = viewer.window.add_plugin_dock_widget("sampipe", "Segment by points and boxes")
        widget.device.value = "cpu"
        widget.boxes.value = None
        widget.call_button.changed.emit(True)
        [said] = [one.message for one in notification_manager.records]
        assert "draw a rectangle or set a point" in said
        widget.boxes.value = viewer.layers[1]
        widget.call_button.changed.emit(True)
        until(qt, lambda: "sampipe" in viewer.layers)
        assert np.array_equal(viewer.layers["sampipe"].data, segmented(picture, sp.Prompts.from_boxes([BOX])))
        if folder := os.environ.get("SAMPIPE_SCREENSHOTS"):
            viewer.screenshot(f"{folder}/napari.png", canvas_only=False)
    finally:
        viewer.close()
