"""The paper's text prompt is trained by image vectors of crops; what is frozen stays, and the file knows its space."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from tiny_clip import write_tiny_clip
from tiny_sam import write_tiny_model

import sampipe as sp
from sampipe.models.weights.checkpoints import save_checkpoint
from sampipe.text.clip import ClipModel, load_clip
from sampipe.text.words import load_words
from sampipe.train.captioned import compose_scene
from sampipe.train.config import LoopConfig, OptimizerConfig, RunOptions
from sampipe.train.data import Batch, collate
from sampipe.train.tasks.token import TokenSettings, crop_vectors, first_vectors, token_task, with_token
from sampipe.train.trainer import Trainer
from sampipe.types import RLE, Image

LOOP = LoopConfig(
    steps=2, batch_size=1, micro_batch=1, optimizer=OptimizerConfig(name="muon", drop_path=0.0, layer_decay=1.0)
)
QUIET = RunOptions(device="cpu", workers=0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipModel:
    return load_clip(write_tiny_clip(tmp_path_factory.mktemp("clip")), "cpu")


@pytest.fixture(scope="module")
def sam_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A COCO folder of two drawn scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "images").mkdir()
    images, annotations = [], []
    for number in range(2):
        scene = compose_scene(np.random.default_rng(number), 128)
        Pillow.fromarray(scene.pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 128, "width": 128})
        for thing in scene.things:
            row = {"id": len(annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
            annotations.append(row | {"segmentation": RLE.from_mask(thing.mask).to_coco()})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "instances.json").write_text(json.dumps(document))
    return folder


@pytest.mark.parametrize("train_decoder", [True, False])
def test_only_what_is_asked_for_learns(
    clip: ClipModel, sam_file: Path, scenes: Path, tmp_path: Path, train_decoder: bool
) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    before = {name: value.clone() for name, value in sam.state_dict().items()}
    settings = TokenSettings(rounds=2, train_decoder=train_decoder, min_area=50)
    path = Trainer(token_task(sam, clip, scenes, settings), LOOP, tmp_path / "run", options=QUIET).run()
    changed = {name for name, value in sam.state_dict().items() if not value.equal(before[name])}
    kinds = {".".join(name.split(".")[:2]) if name.startswith("prompt") else name.split(".")[0] for name in changed}
    assert kinds == {"prompt_encoder.text_projection"} | ({"mask_decoder"} if train_decoder else set())
    assert sp.load_model(path, "cpu").config.prompt_encoder.text_space == clip.space


def test_text_takes_the_place_of_the_crop_and_only_of_that_space(
    clip: ClipModel, sam_file: Path, tmp_path: Path
) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    save_checkpoint(sam.state_dict(), sam.config, tmp_path / "token.safetensors")
    model = sp.load_model(tmp_path / "token.safetensors", "cpu")
    image = Image.from_array(compose_scene(np.random.default_rng(0), 128).pixels)
    embedding = model.encode([image])[0]
    vectors = sp.Embedding(clip.encode_texts(["a red ring"]), model=clip.space)
    assert len(model.decode(embedding, sp.Prompts().with_text(vectors), multimask=False)) == 1
    other = sp.Embedding(vectors.vectors, model="ViT-B-32/openai")
    with pytest.raises(sp.CheckpointError, match=clip.space):
        model.decode(embedding, sp.Prompts().with_text(other), multimask=False)


def test_crops_differ_by_how_they_are_grown_and_painted(clip: ClipModel, sam_file: Path, scenes: Path) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    batch = collate([token_task(sam, clip, scenes, TokenSettings(min_area=50)).examples[0]])
    tight, wide, blank = (
        crop_vectors(clip, batch, TokenSettings(grow=grow, blank=blank), np.random.default_rng(0))
        for grow, blank in (((1.0, 1.0), 0.0), ((2.0, 2.0), 0.0), ((2.0, 2.0), 1.0))
    )
    assert tight.shape == (len(batch.masks), 32)
    assert not np.allclose(tight, wide, atol=1e-3) and not np.allclose(wide, blank, atol=1e-3)


def test_images_without_a_large_mask_end_in_an_error(
    clip: ClipModel, sam_file: Path, scenes: Path, tmp_path: Path
) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    task = token_task(sam, clip, scenes, TokenSettings(min_area=10**6))
    with pytest.raises(sp.DataError, match="held no mask of 1000000 px"):
        Trainer(task, LOOP, tmp_path / "run", options=QUIET).run()


def test_a_clip_model_stays_in_evaluation_mode(clip: ClipModel, sam_file: Path, scenes: Path) -> None:
    sam = with_token(sp.load_model(sam_file, "cpu").sam, clip)
    objective = token_task(sam, clip, scenes, TokenSettings(min_area=50)).objective
    assert {name.partition(".")[0] for name, _ in objective.named_parameters()} == {"network"}
    assert isinstance(objective, torch.nn.Module)


def test_without_an_image_tower_names_stand_in_for_crops(sam_file: Path, scenes: Path, tmp_path: Path) -> None:
    document = json.loads((scenes / "instances.json").read_text())
    named = tmp_path / "named"
    named.mkdir()
    (named / "images").symlink_to(scenes / "images")
    document["categories"] = [{"id": 1, "name": "dog"}, {"id": 2, "name": "qwxyz"}]
    rows = document["annotations"]
    rows[0]["category_id"] = 2  # of a name that the words do not know
    (named / "instances.json").write_text(json.dumps(document))
    words = load_words()
    sam = with_token(sp.load_model(sam_file, "cpu").sam, words)
    task = token_task(sam, words, named, TokenSettings(min_area=50, rounds=1))
    batch = collate([task.examples[0]])
    assert isinstance(batch, Batch) and batch.names == ("dog",) and len(batch.masks) == 1  # all dogs are one object
    first = first_vectors(words, batch, TokenSettings(noise=0.5), np.random.default_rng(0))
    dog = words.encode_texts(["dog"])
    assert float((first @ dog.T)[0, 0]) == pytest.approx(1 / np.sqrt(1.25), abs=0.03)  # moved by half its length
    exact = first_vectors(words, batch, TokenSettings(noise=0.0), np.random.default_rng(0))
    np.testing.assert_allclose(exact, dog, atol=1e-6)
    path = Trainer(task, LOOP, tmp_path / "run", options=QUIET).run()
    model, image = sp.load_model(path, "cpu"), Image.open(scenes / "images" / "0.png")
    text = sp.Embedding(dog, model=words.space)
    assert len(model.decode(model.encode([image])[0], sp.Prompts().with_text(text), multimask=False)) == 1
