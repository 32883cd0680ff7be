"""EdgeSAM's encoder against timm's RepViT-M1, an independent implementation, and by the names of its makers' file."""

from __future__ import annotations

import timm
import torch
from random_sam import random_sam
from torch.nn import functional as F

from sampipe.models.config import SamConfig
from sampipe.models.encoders import RepViTConfig

TOLERANCE = 1e-4  # of the largest value


def test_stages_neck_and_what_joins_them_are_those_of_the_paper() -> None:
    """timm puts the last block of a stage into the step to the next one; the order of the weights is the same."""
    sam = random_sam(SamConfig(image_encoder=RepViTConfig(image_size=256)))
    encoder = sam.image_encoder
    theirs = timm.create_model("repvit_m1", pretrained=False, num_classes=0).eval()
    ours = [value for name, value in encoder.state_dict().items() if name.startswith("features.")]
    names = list(theirs.state_dict())
    assert len(names) == len(ours) > 400
    theirs.load_state_dict(dict(zip(names, ours, strict=True)))  # refuses what is of another shape
    pixels = torch.randn(2, 3, 256, 256, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        at_16 = theirs.stages[:3](theirs.stem(pixels))
        deepest = theirs.stages[3](at_16)
        fine = encoder.fuse_stage2(theirs.stages[3].downsample.pre_block(at_16))
        coarse = F.conv2d(deepest, encoder.state_dict()["fuse_stage3.op_list.0.weight"])
        wanted = encoder.neck(fine + F.interpolate(coarse, size=(16, 16), mode="bicubic"))
        found = encoder(pixels)
    assert found.shape == (2, 256, 16, 16)
    assert (found - wanted).abs().max() < TOLERANCE * wanted.abs().max()


def test_tensors_are_called_as_in_edge_sam_pth() -> None:
    """Names and shapes as the code of chongzhou96/EdgeSAM makes them, one of each kind."""
    with torch.device("meta"):
        found = {name: tuple(value.shape) for name, value in RepViTConfig().build().state_dict().items()}
    expected = {
        "features.0.0.c.weight": (24, 3, 3, 3),
        "features.0.2.bn.running_var": (48,),
        "features.1.token_mixer.0.conv.c.weight": (48, 1, 3, 3),
        "features.1.token_mixer.0.conv1.bn.bias": (48,),
        "features.1.token_mixer.1.fc1.weight": (16, 48, 1, 1),
        "features.1.channel_mixer.m.0.c.weight": (96, 48, 1, 1),
        "features.4.token_mixer.0.c.weight": (48, 1, 3, 3),
        "features.4.token_mixer.2.c.weight": (96, 48, 1, 1),
        "features.21.token_mixer.1.fc2.bias": (192,),
        "features.26.channel_mixer.m.2.bn.num_batches_tracked": (),
        "fuse_stage2.weight": (256, 192, 1, 1),
        "fuse_stage3.op_list.0.weight": (256, 384, 1, 1),
        "neck.0.weight": (256, 256, 1, 1),
        "neck.3.bias": (256,),
    }
    assert {name: found[name] for name in expected} == expected
    squeezing = {int(name.split(".")[1]) for name in found if name.endswith("fc1.weight")}
    assert squeezing == {1, 5, 9, 11, 13, 15, 17, 19, 21, 25}
