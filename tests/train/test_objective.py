"""The interactive objective: what it returns, what it teaches, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from sampipe.errors import DataError
from sampipe.models.sam import Sam
from sampipe.train.data import Batch, collate
from sampipe.train.examples import CropConfig, Examples
from sampipe.train.features import FeatureCache
from sampipe.train.freeze import freeze
from sampipe.train.interaction import InteractionConfig
from sampipe.train.losses import MaskLoss
from sampipe.train.objective import InteractiveObjective
from sampipe.train.sources import open_source
from sampipe.train.starts import copied_network

CROP = CropConfig(size=64, native_size=64, masks=2, min_area=16)


@pytest.fixture
def batch(shapes_folder: Path) -> Batch:
    examples = Examples([(open_source(shapes_folder), 1.0)], CROP, 0)
    found = collate([examples[index] for index in range(4)])
    assert isinstance(found, Batch)
    return found


def objective(sam: Sam, *, rounds: int = 2, feature_bytes: int = 0, affinity: float = 0.0) -> InteractiveObjective:
    interaction = InteractionConfig(rounds=rounds)
    made = InteractiveObjective(
        sam, interaction=interaction, mask_loss=MaskLoss(), affinity_weight=affinity, feature_bytes=feature_bytes
    )
    return made.train()


def gradient(module: torch.nn.Module) -> float:
    return sum(float(p.grad.abs().sum()) for p in module.parameters() if p.grad is not None)


@pytest.mark.parametrize("rounds", [1, 5])
def test_every_part_of_the_network_is_taught(tiny_network: Sam, batch: Batch, rounds: int) -> None:
    figures = objective(tiny_network, rounds=rounds)(batch, torch.Generator().manual_seed(0))
    figures["loss"].backward()
    for part in (tiny_network.image_encoder, tiny_network.prompt_encoder, tiny_network.mask_decoder):
        assert 0 < gradient(part) < float("inf")
    assert 0 <= figures["iou_first"] <= 1 and 0 <= figures["iou_last"] <= 1 and "affinity" not in figures


def test_a_picture_is_encoded_once_whatever_the_rounds(tiny_network: Sam, batch: Batch) -> None:
    seen: list[int] = []
    tiny_network.image_encoder.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    objective(tiny_network, rounds=5)(batch)
    assert seen == [4]


def test_points_and_boxes_come_with_equal_chance(tiny_network: Sam, batch: Batch) -> None:
    made, generator = objective(tiny_network, rounds=1), torch.Generator().manual_seed(0)
    boxes: list[int] = []
    tiny_network.prompt_encoder.register_forward_hook(
        lambda module, args, out: boxes.append(len(args[0]) if args[0].boxes is not None else 0)
    )
    with torch.no_grad():
        for _ in range(25):
            made(batch, generator)
    assert sum(boxes) / (25 * 4) == pytest.approx(0.5, abs=0.15)


def test_padding_is_zero_after_normalisation(tiny_network: Sam, batch: Batch) -> None:
    seen: list[Tensor] = []
    tiny_network.image_encoder.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    objective(tiny_network).features(batch)
    assert not seen[0][:, :, 51:].any() and bool(seen[0][:, :, :51].abs().amin() > 0)


def test_affinity_is_taught_where_it_has_a_weight(tiny_network: Sam, batch: Batch) -> None:
    assert objective(tiny_network, affinity=0.2)(batch)["affinity"] > 0


def test_a_frozen_encoder_is_not_taught_does_not_drift_and_runs_once_a_picture(tiny_network: Sam, batch: Batch) -> None:
    freeze(tiny_network, ["encoder"])
    before = {name: value.clone() for name, value in tiny_network.image_encoder.state_dict().items()}
    made, seen = objective(tiny_network, feature_bytes=1 << 20), []
    tiny_network.image_encoder.register_forward_hook(lambda module, args, out: seen.append(len(args[0])))
    for _ in range(3):
        made(batch)["loss"].backward()
    assert len(seen) == 1  # the images came three times
    assert gradient(tiny_network.image_encoder) == 0 and gradient(tiny_network.mask_decoder) > 0
    assert not tiny_network.image_encoder.training and tiny_network.mask_decoder.training
    after = tiny_network.image_encoder.state_dict()  # with the counters of batch norm
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_nanos_backbone_opens_from_its_deep_end(batch: Batch) -> None:
    network, _ = copied_network("nano", device=torch.device("cpu"))
    freeze(network, ["shallow"])
    made = objective(network)
    made(batch)["loss"].backward()
    backbone = network.get_submodule("image_encoder.backbone")
    grads = {name: parameter.grad is not None for name, parameter in backbone.named_parameters()}
    assert grads["stages.6.0.project.weight"] and grads["stages.3.0.project.weight"]
    assert not any(there for name, there in grads.items() if name.startswith(("stem", "stages.2")))
    freeze(network, ["backbone"])
    assert not any(parameter.requires_grad for parameter in backbone.parameters())


def test_kept_features_are_those_that_the_encoder_gives(tiny_network: Sam, batch: Batch) -> None:
    freeze(tiny_network, ["encoder"])
    kept = objective(tiny_network, feature_bytes=1 << 20)
    kept.features(batch)
    for again, plain in zip(kept.features(batch), objective(tiny_network).features(batch), strict=True):
        torch.testing.assert_close(again, plain)


def test_the_cache_is_bounded_and_encodes_what_it_does_not_hold() -> None:
    cache, asked = FeatureCache(2 * 16), []

    def encode(numbers: list[int]) -> tuple[Tensor, ...]:
        asked.append(numbers)
        return (torch.tensor(numbers, dtype=torch.float32)[:, None].expand(-1, 4),)

    here = torch.device("cpu")
    assert cache.get(["a", "b", "a"], encode, here)[0][:, 0].tolist() == [0, 1, 2]  # asked for before it was held
    assert cache.get(["b", None, "a"], encode, here)[0][:, 0].tolist() == [1, 1, 0]
    assert asked == [[0, 1, 2], [1]] and cache.nbytes == 32
    cache.get(["c"], encode, here)
    assert cache.nbytes == 32 and cache.get(["b"], encode, here)[0].tolist() == [[0.0] * 4]  # "b" had to go


def test_unknown_parts_and_nothing_left_are_told(tiny_network: Sam) -> None:
    with pytest.raises(DataError, match="got 'head', wanted some of encoder, prompt_encoder, decoder"):
        freeze(tiny_network, ["head"])
    with pytest.raises(DataError, match="the whole model"):
        freeze(tiny_network, ["encoder", "prompt_encoder", "decoder"])
    freeze(tiny_network, ["decoder"])
    freeze(tiny_network, ["encoder"])  # what is not named is trained again
    assert all(p.requires_grad for p in tiny_network.mask_decoder.parameters())
