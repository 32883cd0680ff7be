"""trace: the function as a graph, and what is said when it cannot be one."""

from __future__ import annotations

import functools

import pytest
from toy_nodes import Bright, Darken, Fill, Halves, Largest, Split, picture

import sampipe as sp
from sampipe.graph.tracer import trace

detect, fill, keep = Bright(), Fill(), Largest(count=1)


def pipeline(image: sp.Image) -> sp.Masks:
    return keep(fill(image, prompts=detect(image)))


def wires(graph: sp.Graph) -> dict[str, dict[str, str]]:
    return {name: {port: str(one) for port, one in mine.items()} for name, mine in graph.wires.items()}


def test_the_same_function_runs_and_is_a_graph():
    graph = sp.trace(pipeline)
    assert wires(graph) == {
        "detect": {"image": "$image"},
        "fill": {"image": "$image", "prompts": "detect.prompts"},
        "keep": {"masks": "fill.masks"},
    }
    assert [str(port) for port in graph.inputs.values()] == ["image: Image"]
    assert {name: str(one) for name, one in graph.outputs.items()} == {"masks": "keep.masks"}
    eager, traced = pipeline(picture()), graph.run(image=picture()).masks
    assert traced.area().tolist() == eager.area().tolist() == [195]


def test_positional_arguments_connect_too():
    assert sp.trace(lambda image: keep(fill(image, detect(image)))) == sp.trace(pipeline)


def test_names_come_from_variables_then_classes_and_are_numbered():
    def straight(image: sp.Image):
        dark = Darken(factor=0.9)(image)
        again = Darken(factor=0.9)(dark)
        return fill(again, detect(again))

    assert list(sp.trace(straight).nodes) == ["darken", "darken_2", "detect", "fill"]


def test_one_node_called_twice_is_two_steps():
    graph = sp.trace(lambda image: fill(detect_on := image, detect(fill_more(detect_on, detect(image)))))
    assert list(graph.nodes) == ["detect", "darken", "detect_2", "fill"]
    assert graph.nodes["detect"] is graph.nodes["detect_2"]


def fill_more(image, prompts):
    return Darken()(image, prompts=prompts)


def test_a_name_of_ones_own_wins():
    mine = Bright().named("finder")
    assert "finder" in sp.trace(lambda image: fill(image, mine(image))).nodes


def test_two_nodes_of_one_chosen_name():
    one, other = Bright().named("finder"), Bright(threshold=1).named("finder")
    with pytest.raises(sp.DuplicateNodeError, match="Two nodes are named 'finder'"):
        sp.trace(lambda image: (one(image), other(image)))


def test_methods_name_nodes_by_attribute():
    class Pipeline:
        def __init__(self) -> None:
            self.finder, self.filler = Bright(), Fill()

        def masks(self, image: sp.Image) -> sp.Masks:
            return self.filler(image, self.finder(image))

    assert list(sp.trace(Pipeline().masks).nodes) == ["finder", "filler"]


def test_several_outputs_by_attribute_and_by_unpacking():
    split = Split()

    def by_name(image: sp.Image):
        return detect(split(image).right)

    def unpacked(image: sp.Image):
        _, right = split(image)
        return detect(right)

    assert sp.trace(by_name) == sp.trace(unpacked)
    assert wires(sp.trace(by_name))["detect"] == {"image": "split.right"}


def test_an_unknown_output():
    with pytest.raises(sp.UnknownPortError, match=r"no output 'rigth'\. Did you mean 'right'\? It gives left"):
        sp.trace(lambda image: detect(Split()(image).rigth))


@pytest.mark.parametrize(
    ("returned", "outputs"),
    [
        (lambda m, p: m, ["masks"]),
        (lambda m, p: (m, p), ["masks", "prompts"]),
        (lambda m, p: {"found": p, "m": m}, ["found", "m"]),
        (lambda m, p: Halves(left=m, right=p), ["left", "right"]),
    ],
)
def test_what_is_returned_names_the_outputs(returned, outputs):
    def function(image: sp.Image):
        prompts = detect(image)
        return returned(fill(image, prompts), prompts)

    assert list(sp.trace(function).outputs) == outputs


def test_an_input_may_be_an_output():
    graph = sp.trace(lambda image: {"image": image, "prompts": detect(image)})
    photo = picture()
    assert graph.run(image=photo).image is photo


def test_optional_and_constant_parameters():
    def function(image: sp.Image, prompts: sp.Prompts | None = None, count: int = 2):
        return {f"dark_{index}": Darken()(image, prompts=prompts) for index in range(count)}

    graph = sp.trace(function)
    assert [str(port) for port in graph.inputs.values()] == ["image: Image", "prompts: Prompts?"]
    assert list(graph.outputs) == ["dark_0", "dark_1"]
    photo = picture()
    assert graph.run(image=photo)["dark_0"].pixels.max() == 115
    assert graph.run(image=photo, prompts=sp.Prompts.from_boxes([0, 0, 2, 2]))["dark_0"].pixels.max() == 230


def test_an_unannotated_parameter_takes_the_type_of_its_first_use():
    assert str(sp.trace(lambda photo: detect(photo)).inputs["photo"]) == "photo: Image"


def _branch(image):
    if detect(image):
        return fill(image, detect(image))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_branch, r"detect\.prompts \(Prompts\) has no value yet: it is neither true nor false"),
        (lambda image: [one for one in detect(image)], "looped over"),
        (lambda image: len(detect(image)), "no length"),
        (lambda image: detect(image).boxes, r"its \.boxes cannot be read"),
        (lambda image: detect(image)[0], "indexed"),
        (lambda image: detect(image) == 3, "compared"),
        (lambda image: image.height > 3, r"\$image \(Any\) has no value yet: its \.height"),
    ],
)
def test_looking_at_a_value_says_to_branch_inside_a_node(function, message):
    with pytest.raises(sp.GraphError, match=message) as caught:
        sp.trace(function)
    assert "inside a node's run()" in str(caught.value)


@pytest.mark.parametrize(
    ("error", "function", "message"),
    [
        (
            sp.PortTypeError,
            lambda image: keep(detect(image)),
            r"'keep' \(Largest\), input 'masks': wired to detect\.prompts, which is Prompts; wanted Masks",
        ),
        (
            sp.UnknownPortError,
            lambda image: fill(image, promts=detect(image)),
            r"'fill' \(Fill\) has no input 'promts'\. Did you mean 'prompts'\? It takes image: Image",
        ),
        (
            sp.MissingInputError,
            lambda image: fill(prompts=detect(image)),
            r"'fill' \(Fill\), input 'image': nothing feeds it\. Wanted: image: Image\. "
            r"Available: \$image: Any, detect\.prompts: Prompts",
        ),
        (sp.MissingInputError, lambda image: detect(image, image), "takes 1 inputs and got 2"),
        (sp.GraphError, lambda image: detect(image, image=image), "got input 'image' twice"),
        (sp.PortTypeError, lambda image: detect(Split()(image)), "Pick one: left, right"),
        (sp.GraphError, lambda image: fill(image, sp.Prompts.empty()), "got a Prompts while tracing"),
        (sp.GraphError, lambda image: None, "returned a NoneType. Return what nodes gave"),
        (
            sp.GraphError,
            lambda image: (detect(image), detect(image)),
            "Two outputs would be called 'prompts'",
        ),
        (sp.GraphError, lambda *images: detect(images), "plain named parameters"),
    ],
)
def test_wrong_wires_are_errors_when_the_graph_is_built(error, function, message):
    with pytest.raises(error, match=message):
        sp.trace(function)


def test_a_required_port_cannot_take_an_optional_input():
    def function(image: sp.Image, prompts: sp.Prompts | None = None):
        return fill(image, prompts=prompts)

    with pytest.raises(sp.MissingInputError, match=r"wired to \$prompts, which may be left out"):
        sp.trace(function)


def test_values_of_another_trace():
    kept = []

    def leak(image: sp.Image):
        kept.append(image)
        return detect(image)

    sp.trace(leak)
    with pytest.raises(sp.GraphError, match="another trace"):
        sp.trace(lambda image: detect(kept[0]))


def test_after_a_failed_trace_nodes_run_again():
    with pytest.raises(sp.GraphError):
        sp.trace(lambda image: keep(detect(image)))
    assert len(detect(picture())) == 2


def test_partials_and_callable_objects():
    class Pipeline:
        def __call__(self, image: sp.Image, threshold: int) -> sp.Prompts:
            return Bright(threshold=threshold)(image)

    graph = sp.trace(functools.partial(Pipeline(), threshold=7))
    assert graph.nodes["bright"] == Bright(threshold=7)
    assert [str(port) for port in graph.inputs.values()] == ["image: Image"]


def test_a_type_that_cannot_be_read():
    def function(image: Nowhere):  # noqa: F821 - the mistake under test
        return detect(image)

    with pytest.raises(sp.GraphError, match="'Nowhere' is not defined"):
        trace(function)
