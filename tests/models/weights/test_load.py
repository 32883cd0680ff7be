"""From files to models: every layout, once a process, never a weight that no file gave."""

from __future__ import annotations

import gc
import shutil
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import supervision as sv
import torch
from random_sam import SMALL_REP_VIT, SMALL_TINY_VIT, SMALL_VIT, random_sam
from safetensors.torch import save_file
from torch import Tensor

from sampipe.errors import CheckpointError, DataError
from sampipe.models.config import SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig, RepViTConfig, TinyViTConfig
from sampipe.models.load import drop_loaded, keep_loaded, load_model
from sampipe.models.model import SamModel
from sampipe.models.sam import Sam
from sampipe.models.weights.checkpoints import file_digest, save_checkpoint
from sampipe.models.weights.hub import download
from sampipe.models.weights.naming import to_transformers
from sampipe.types import Image, Prompts

NANO = SamConfig(
    image_encoder=EfficientNetLiteConfig(
        widths=(8, 8, 8, 8, 16, 32, 32),
        depths=(1, 1, 1, 1, 1, 1, 1),
        context_channels=24,
        attention_layers=1,
        out_channels=64,
    ),
    mask_decoder=SMALL_VIT.mask_decoder,
)
Tensors = dict[str, Tensor]


def copies(tensors: Tensors) -> Tensors:
    return {name: value.clone() for name, value in tensors.items()}


LAYOUTS: dict[str, Callable[[Tensors, Path], Any]] = {
    "official": lambda tensors, path: torch.save(tensors, path),
    "old format": lambda tensors, path: torch.save(tensors, path, _use_new_zipfile_serialization=False),
    "under model": lambda tensors, path: torch.save({"model": tensors}, path),
    "under state_dict": lambda tensors, path: torch.save({"state_dict": tensors, "epoch": 1}, path),
    "safetensors": lambda tensors, path: save_file(copies(tensors), path),
    "transformers": lambda tensors, path: save_file(copies(to_transformers(tensors)), path),
    "transformers, pickled": lambda tensors, path: torch.save(to_transformers(tensors), path),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_network(tmp_path: Path, layout: str) -> None:
    sam = random_sam(SMALL_VIT)
    path = tmp_path / "my_model.pth"
    LAYOUTS[layout](sam.state_dict(), path)
    model = load_model(path, "cpu")
    assert isinstance(model, SamModel)
    assert (model.name, model.key, model.config) == ("my_model", file_digest(path), SMALL_VIT)
    assert_same_weights(model.sam, sam)


def assert_same_weights(found: Sam, wanted: Sam) -> None:
    assert found.state_dict().keys() == wanted.state_dict().keys()
    for name, value in wanted.state_dict().items():
        assert found.state_dict()[name].equal(value), name
    assert not any(value.is_meta for value in [*found.parameters(), *found.buffers()])
    assert not any(value.requires_grad for value in found.parameters())
    assert not found.training


def test_mobile_sam_with_its_classification_head(tmp_path: Path) -> None:
    config = replace(SMALL_TINY_VIT, image_encoder=replace(SMALL_TINY_VIT.image_encoder, image_size=1024))
    sam = random_sam(config)
    unused = {
        "image_encoder.norm_head.weight": torch.ones(320),
        "image_encoder.norm_head.bias": torch.ones(320),
        "image_encoder.head.weight": torch.ones(1000, 320),
        "image_encoder.head.bias": torch.ones(1000),
        "image_encoder.layers.1.blocks.0.attn.attention_bias_idxs": torch.zeros(49, 49, dtype=torch.int64),
        "pixel_mean": torch.ones(3, 1, 1),
        "pixel_std": torch.ones(3, 1, 1),
    }
    torch.save(sam.state_dict() | unused, tmp_path / "mobile.pt")
    model = load_model(tmp_path / "mobile.pt", "cpu")
    assert isinstance(model.config.image_encoder, TinyViTConfig)
    assert_same_weights(model.sam, sam)


def test_edge_sam(tmp_path: Path) -> None:
    """A file in its makers' names (``tests/models/encoders/test_rep_vit.py``), with a smaller network."""
    sam = random_sam(replace(SMALL_REP_VIT, image_encoder=replace(SMALL_REP_VIT.image_encoder, image_size=1024)))
    torch.save(sam.state_dict(), tmp_path / "edge_sam.pth")
    model = load_model(tmp_path / "edge_sam.pth", "cpu")
    assert isinstance(model.config.image_encoder, RepViTConfig) and model.name == "edge_sam"
    assert_same_weights(model.sam, sam)
    pixels = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    assert answer(model, Image.from_array(pixels)).shape == (1, 3, 256, 256)


def test_our_own_file(tmp_path: Path) -> None:
    sam = random_sam(NANO)
    save_checkpoint(sam.state_dict(), NANO, tmp_path / "own.safetensors", dtype=torch.float32)
    model = load_model(tmp_path / "own.safetensors", "cpu")
    assert model.config == NANO
    assert_same_weights(model.sam, sam)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_stored_precision_loads_as_float32(tmp_path: Path, dtype: torch.dtype) -> None:
    sam = random_sam(SMALL_VIT)
    torch.save({name: value.to(dtype) for name, value in sam.state_dict().items()}, tmp_path / "a.pth")
    loaded = load_model(tmp_path / "a.pth", "cpu").sam
    for name, value in sam.state_dict().items():
        assert loaded.state_dict()[name].equal(value.to(dtype).float())


def without(name: str) -> Callable[[Tensors], None]:
    return lambda tensors: tensors.__delitem__(name)


def with_value(name: str, value: Tensor) -> Callable[[Tensors], None]:
    return lambda tensors: tensors.update({name: value})


NAME = "mask_decoder.transformer.layers.1.norm2.bias"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without(NAME), f"{NAME} is missing"),
        (with_value("mask_decoder.more.weight", torch.zeros(1, 64)), "mask_decoder.more.weight is not part of this"),
        (with_value(NAME, torch.zeros(65)), r"norm2.bias is \(65,\), wanted \(64,\)"),
        (with_value(NAME, torch.zeros(64, dtype=torch.int8)), "holds torch.int8, wanted torch.float32"),
        (with_value(NAME, torch.full((64,), torch.nan)), "values that are not finite"),
        (with_value("image_encoder.patch_embed.proj.weight", torch.zeros(48, 4, 16, 16)), r"wanted \(48, 3, 16"),
        (without("image_encoder.blocks.2.attn.rel_pos_h"), "not a Segment Anything checkpoint"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Callable[[Tensors], None], reason: str) -> None:
    tensors = dict(random_sam(SMALL_VIT).state_dict())
    change(tensors)
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=reason) as caught:
        load_model(tmp_path / "a.pth", "cpu")
    assert str(tmp_path / "a.pth") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "whose", "instead"),
    [
        ("mask_decoder.hf_token.weight", "SAM-HQ", 'model="sam_hq_vit_b"'),
        ("image_encoder.trunk.patch_embed.proj.weight", "SAM 2", 'model="sam2.1_hiera_t".* renamed to sam2.1_t.pt'),
        ("detector.backbone.vision_backbone.trunk.pos_embed", "SAM 3", 'model="sam3"'),
        ("prompt_encoder.bbox_top_left_embeddings.weight", "EfficientSAM", 'model="mobile_sam"'),
    ],
)
def test_official_files_of_other_models_name_the_way_that_works(
    tmp_path: Path, name: str, whose: str, instead: str
) -> None:
    """As their makers' repositories name the tensors, those of SAM-HQ beside SAM's own."""
    tensors = dict(random_sam(SMALL_VIT).state_dict()) | {name: torch.zeros(1, 64)}
    torch.save({"model": tensors}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=rf"a.pth holds {whose} in its makers' format.* Take .*{instead}"):
        load_model(tmp_path / "a.pth", "cpu")


@pytest.mark.parametrize("encoder", [{"widths": [8, 8, 16]}, {"widths": "wide"}])
def test_a_stored_configuration_that_makes_no_model(tmp_path: Path, encoder: dict[str, Any]) -> None:
    sam = random_sam(NANO)
    config = replace(NANO, image_encoder=replace(NANO.image_encoder, **encoder))
    save_checkpoint(sam.state_dict(), config, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        load_model(tmp_path / "a.safetensors", "cpu")


def test_a_published_file_name_with_other_weights_is_refused(tmp_path: Path) -> None:
    torch.save(random_sam(SMALL_VIT).state_dict(), tmp_path / "sam_vit_b_01ec64.pth")
    with pytest.raises(CheckpointError, match=r"not the vit_b weights.*wanted ec2df627.*another name"):
        load_model(tmp_path / "sam_vit_b_01ec64.pth", "cpu")


def test_neither_a_name_nor_a_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="neither a known model nor a file that is there"):
        load_model(str(tmp_path / "missing.pth"), "cpu")


def test_an_unknown_device_is_said_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="device"):
        load_model(str(tmp_path / "missing.pth"), "abacus")


def test_one_file_is_one_model_while_anybody_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(random_sam(SMALL_VIT).state_dict(), path)
    model = load_model(path, "cpu")
    (tmp_path / "link.pth").symlink_to(path)
    assert load_model(str(path), torch.device("cpu")) is model
    assert load_model(tmp_path / "link.pth", "cpu") is model
    held = weakref.ref(model)
    del model
    gc.collect()
    assert held() is None


def test_a_file_that_changed_is_another_model(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(random_sam(SMALL_VIT).state_dict(), path)
    first = load_model(path, "cpu")
    torch.save(random_sam(SMALL_VIT, seed=1).state_dict(), path)
    second = load_model(path, "cpu")
    assert second is not first
    assert second.key != first.key


def test_threads_share_one_model_and_get_the_masks_of_one_thread(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    torch.save(random_sam(SMALL_VIT).state_dict(), path)
    pixels = np.random.default_rng(0).integers(0, 255, (8, 60, 90, 3), dtype=np.uint8)
    images = [Image.from_array(picture) for picture in pixels]
    models: list[Any] = [None] * 8
    results: list[Any] = [None] * 8
    start = threading.Barrier(8)

    def work(index: int) -> None:
        start.wait()
        models[index] = load_model(path, "cpu")
        results[index] = answer(models[index], images[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(model) for model in models}) == 1
    for image, result in zip(images, results, strict=True):
        assert result.equal(answer(models[0], image))


def answer(model: SamModel, image: Image) -> Tensor:
    prompts = Prompts.from_boxes([[5, 5, 50, 40]]).replace(points=np.array([[[20.0, 20.0]]]))
    logits = model.decode(model.encode([image])[0], prompts, multimask=True).logits
    assert logits is not None
    return logits


def test_hosts_that_call_again_load_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sampipe import add_masks
    from sampipe.models import load

    model = str(shutil.copy(download("nano"), tmp_path / "mine.safetensors"))  # a file that no other test holds
    loads = []
    read = load.read_checkpoint
    monkeypatch.setattr(load, "read_checkpoint", lambda path: loads.append(path) or read(path))
    drop_loaded()
    found = sv.Detections(xyxy=np.array([[5, 5, 60, 70]], np.float32))
    for _ in range(2):
        gc.collect()  # what nobody holds is gone
        add_masks(np.zeros((90, 120, 3), np.uint8), found, model)
    assert len(loads) == 1
    kept = list(load._kept.values())
    for _ in range(load.MAX_KEPT):
        keep_loaded(SamModel(kept[0].sam, name="another", key="another"))
    assert kept[0] not in load._kept.values() and len(load._kept) == load.MAX_KEPT
    drop_loaded()
    assert not load._kept
