"""A text head learns on what a frozen encoder made: images are encoded once, and only for the model they are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import sampipe as sp
from sampipe.cli import app
from sampipe.data.formats import read_images
from sampipe.models import Sam, SamModel
from sampipe.models.text_head import TextHead, TextHeadConfig, earlier_head, load_text_head, save_text_head
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.text.words import load_words
from sampipe.train.config import RunOptions
from sampipe.train.tasks.text import TEXT_LOOP, TextObjective, map_loss, text_task
from sampipe.train.text_examples import Batch, ExampleSet, collate_questions
from sampipe.train.text_views import build_examples, image_views
from sampipe.train.trainer import Trainer


@pytest.fixture
def examples(tiny_network: Sam, shapes_folder: Path) -> ExampleSet:
    sam = SamModel(tiny_network, name="tiny", key="tiny")
    return build_examples(
        sam,
        load_words(),
        [(shapes_folder, 1.0)],
        views=20,
        scenes=4,
        scene_share=0.5,
        seed=0,
        say=lambda line: None,
    )


def head() -> TextHead:
    torch.manual_seed(0)
    shape = TextHeadConfig(
        features=16, fine=16, deep=16, pixels=8, widths=(8, 8, 8), depths=(1, 1), keys=8, dropout=0.0
    )
    return TextHead(shape, torch.from_numpy(load_words().center))


def test_views_hold_what_is_marked_and_where_it_is(shapes_folder: Path) -> None:
    rng = np.random.default_rng(0)
    views = list(image_views(read_images(shapes_folder), {"box"}, 64, rng, source="shapes", each=5))
    assert len(views) == 20
    for view in views[::5]:  # whole images
        assert view.pixels.shape == (64, 64, 3) and view.content_hw == (51, 64)
        inside = view.where["box"]
        assert view.pixels[inside].mean() > 100 > view.pixels[~inside].mean()
        assert not inside[view.content_hw[0] :].any()


def test_a_batch_says_what_was_judged_and_where_there_is_picture(examples: ExampleSet) -> None:
    for start in range(0, 18, 3):
        batch = collate_questions([examples[start + i] for i in range(3)])
        assert batch.masks.shape[2:] == (8, 8)
        assert [len(phrases) for phrases in batch.phrases] == batch.judged.sum(dim=1).tolist()
        assert (batch.masks.sum(dim=(2, 3))[~batch.judged] == 0).all()
        assert ((batch.masks > 0) <= (batch.content > 0)).all()


def test_training_brings_the_loss_down_and_keeps_the_average(examples: ExampleSet, tmp_path: Path) -> None:
    network, words = head(), load_words()
    batches = [collate_questions([examples[1000 + 4 * row + i] for i in range(4)]) for row in range(3)]
    objective = TextObjective(network, words, noise=0.0)

    def loss_of(state: dict[str, torch.Tensor]) -> float:
        network.load_state_dict(state)
        network.eval()
        with torch.no_grad():
            return sum(float(objective(batch)["loss"]) for batch in batches)

    before = loss_of({name: value.clone() for name, value in network.state_dict().items()})
    loop = replace(TEXT_LOOP, minutes=None, steps=16, batch_size=2, micro_batch=2)
    trainer = Trainer(text_task(network, examples, words), loop, tmp_path / "run", options=RunOptions(workers=0))
    path = trainer.run()
    assert loss_of(load_text_head(path).head.state_dict()) < before
    assert loss_of(dict(trainer.average.state)) < before


def test_what_nobody_judged_and_where_no_picture_is_counts_for_nothing() -> None:
    masks = torch.zeros(1, 2, 4, 4)
    masks[0, 0, :2, :2] = 1
    content = torch.zeros(1, 1, 4, 4)
    content[..., :2] = 1
    judged = torch.tensor([[True, False]])
    nothing = torch.zeros(0)
    batch = Batch(nothing, nothing, nothing, nothing, ((),), masks, judged, content)
    logits = torch.randn(1, 2, 4, 4)
    changed = logits.clone()
    changed[:, 1] += 5
    changed[..., 2:] -= 5
    assert map_loss(logits, batch) == pytest.approx(float(map_loss(changed, batch)))


def test_examples_are_kept_for_their_model_alone(examples: ExampleSet, tmp_path: Path) -> None:
    examples.save(tmp_path / "examples.pt")
    again = ExampleSet.load(tmp_path / "examples.pt", model_key=examples.model_key)
    assert len(again.examples) == len(examples.examples) and again.vocabulary == examples.vocabulary
    assert np.array_equal(again.examples[0].where(), examples.examples[0].where())
    with pytest.raises(sp.CheckpointError, match="Delete it"):
        ExampleSet.load(tmp_path / "examples.pt", model_key="other")


def test_the_command_trains_a_head_that_the_model_finds(tiny_network: Sam, shapes_folder: Path, tmp_path: Path) -> None:
    model = tmp_path / "own.safetensors"
    save_checkpoint(tiny_network.state_dict(), tiny_network.config, model, dtype=torch.float32)
    words = ["train", "text", "--data", str(shapes_folder), "--from", str(model), "--out", str(tmp_path / "run")]
    options = ["--scenes", "2", "--views", "8", "--minutes", "0.01", "--batch-size", "2", "--install"]
    result = CliRunner().invoke(app, [*words, *options])
    assert result.exit_code == 0, result.output
    loaded = load_text_head(tmp_path / "own_text.safetensors")
    assert loaded.sam_digest == sp.load_model(model, "cpu").heads_key and loaded.space == load_words().space
    again = CliRunner().invoke(app, [*words, *options, "--head", str(tmp_path / "own_text.safetensors")])
    assert again.exit_code == 0 and "views from" in again.output


def test_going_on_from_a_head_of_another_shape_is_said(tmp_path: Path) -> None:
    words = load_words()
    save_text_head(head(), tmp_path / "small.safetensors", space=words.space, sam_digest="any")
    again = earlier_head(tmp_path / "small.safetensors", head().config, space=words.space)
    assert again.keys() == head().state_dict().keys()
    with pytest.raises(sp.CheckpointError, match="Begin without it"):
        earlier_head(tmp_path / "small.safetensors", TextHeadConfig(), space=words.space)
