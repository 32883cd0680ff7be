"""Runs independent implementations of Segment Anything, each in a process of its own.

They patch and warn at import, so they must not come near the tests' process. ``python sam_reference.py NAME
FOLDER`` reads ``config.json``, ``cases.json``, ``weights.safetensors`` (in that implementation's names) and
``inputs.safetensors`` from FOLDER, and writes ``outputs.safetensors``; ``... NAME FOLDER shapes`` writes
``shapes.json``, the state dicts of the published models. Nothing here comes from sampipe: images are resized and
prompts scaled by the rules of the paper and of the reference's own processor.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch
from filelock import FileLock
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

Case = dict[str, Any]  # name, image, multimask


def run(reference: str, folder: Path, write_job: Callable[[Path], None]) -> dict[str, Tensor]:
    """Run one implementation on a job in ``folder``, once for all processes; returns what it wrote."""
    folder.mkdir(exist_ok=True)
    outputs = folder / "outputs.safetensors"
    with FileLock(folder / "lock"):
        if not outputs.exists():
            write_job(folder)
            _call(reference, str(folder))
    return load_file(outputs)


def published_shapes(reference: str, folder: Path) -> dict[str, dict[str, list[int]]]:
    """The state dicts of the published models as one implementation has them: model to name to shape."""
    folder.mkdir(exist_ok=True)
    shapes = folder / "shapes.json"
    with FileLock(folder / "lock"):
        if not shapes.exists():
            _call(reference, str(folder), "shapes")
    return json.loads(shapes.read_text())


def _call(reference: str, folder: str, *arguments: str) -> None:
    environment = os.environ | {
        "YOLO_AUTOINSTALL": "0",
        "YOLO_OFFLINE": "1",
        "YOLO_CONFIG_DIR": folder,
        "ULTRALYTICS_SAFE_LOAD": "1",
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, __file__, reference, folder, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def scale_of(image: Tensor, size: int) -> tuple[tuple[int, int], Tensor]:
    """The resized (height, width) of an (h, w, 3) image whose longest side becomes ``size``, and the x, y scale."""
    height, width = image.shape[:2]
    resized = [max(1, int(side * size / max(height, width) + 0.5)) for side in (height, width)]
    return (resized[0], resized[1]), torch.tensor([resized[1] / width, resized[0] / height], dtype=torch.float64)


class Ultralytics:
    """The builder's modules of ultralytics, put together for a shrunken configuration."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
        from ultralytics.models.sam.modules.decoders import MaskDecoder
        from ultralytics.models.sam.modules.encoders import PromptEncoder
        from ultralytics.models.sam.modules.sam import SAMModel
        from ultralytics.models.sam.modules.transformer import TwoWayTransformer

        encoder, decoder = config["image_encoder"], config["mask_decoder"]
        self.config, dim, self.size = config, encoder["out_channels"], encoder["image_size"]
        grid = self.size // config["stride"]
        transformer = TwoWayTransformer(decoder["depth"], dim, decoder["num_heads"], decoder["mlp_dim"])
        self.sam = SAMModel(
            self._encoder(encoder),
            PromptEncoder(dim, (grid, grid), (self.size, self.size), config["prompt_encoder"]["mask_channels"]),
            MaskDecoder(dim, transformer, iou_head_hidden_dim=decoder["iou_head_dim"]),
        )
        missing, unexpected = self.sam.load_state_dict(weights, strict=False)
        self.sam.eval()  # only now: its TinyViT copies the biases of that moment
        assert not unexpected, unexpected
        assert all("norm_head" in name for name in missing), missing  # a classification head nothing asks

    def _encoder(self, encoder: dict[str, Any]) -> torch.nn.Module:
        from ultralytics.models.sam.modules.encoders import ImageEncoderViT
        from ultralytics.models.sam.modules.tiny_encoder import TinyViT

        if encoder["kind"] == "tiny_vit":
            return TinyViT(
                img_size=self.size,
                num_classes=0,
                embed_dims=encoder["embed_dims"],
                depths=encoder["depths"],
                num_heads=encoder["num_heads"],
                window_sizes=encoder["windows"],
            )
        return ImageEncoderViT(
            img_size=self.size,
            patch_size=encoder["patch"],
            embed_dim=encoder["embed_dim"],
            depth=encoder["depth"],
            num_heads=encoder["num_heads"],
            mlp_ratio=encoder["mlp_ratio"],
            out_chans=encoder["out_channels"],
            norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=encoder["window"],
            global_attn_indexes=encoder["global_blocks"],
        )

    def embed(self, image: Tensor) -> Tensor:
        (height, width), _ = scale_of(image, self.size)
        resized = Image.fromarray(image.numpy()).resize((width, height), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.array(resized)).permute(2, 0, 1).float()
        mean, std = (torch.tensor(self.config[name])[:, None, None] for name in ("pixel_mean", "pixel_std"))
        square = torch.zeros(1, 3, self.size, self.size)
        square[0, :, :height, :width] = (pixels - mean) / std
        return self.sam.image_encoder(square)

    def decode(self, embedding: Tensor, prompts: dict[str, Tensor], multimask: bool) -> tuple[Tensor, Tensor]:
        points = (prompts["points"], prompts["labels"]) if "points" in prompts else None
        masks = prompts["masks"][:, None] if "masks" in prompts else None
        sparse, dense = self.sam.prompt_encoder(points, prompts.get("boxes"), masks)
        positions = self.sam.prompt_encoder.get_dense_pe()
        return self.sam.mask_decoder(embedding, positions, sparse, dense, multimask)


class Transformers:
    """``transformers.SamModel`` with its own image processor."""

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
        from transformers import SamConfig, SamModel
        from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil

        encoder, decoder = config["image_encoder"], config["mask_decoder"]
        dim, size = encoder["out_channels"], encoder["image_size"]
        vision = {
            "hidden_size": encoder["embed_dim"],
            "output_channels": dim,
            "num_hidden_layers": encoder["depth"],
            "num_attention_heads": encoder["num_heads"],
            "image_size": size,
            "patch_size": encoder["patch"],
            "mlp_ratio": encoder["mlp_ratio"],
            "window_size": encoder["window"],
            "global_attn_indexes": encoder["global_blocks"],
            "num_pos_feats": dim // 2,
        }
        prompt = {
            "hidden_size": dim,
            "image_size": size,
            "mask_input_channels": config["prompt_encoder"]["mask_channels"],
        }
        mask = {
            "hidden_size": dim,
            "mlp_dim": decoder["mlp_dim"],
            "iou_head_hidden_dim": decoder["iou_head_dim"],
            "layer_norm_eps": 1e-5,  # as in the official code; its default of 1e-6 is the port's own
        }
        self.size = size
        self.sam = SamModel(
            SamConfig(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=mask)
        ).eval()
        self.sam.load_state_dict(weights)
        self.processor = SamImageProcessorPil(size={"longest_edge": size}, pad_size={"height": size, "width": size})

    def embed(self, image: Tensor) -> Tensor:
        pixels = self.processor(image.numpy(), return_tensors="pt")["pixel_values"]
        return self.sam.get_image_embeddings(pixels)

    def decode(self, embedding: Tensor, prompts: dict[str, Tensor], multimask: bool) -> tuple[Tensor, Tensor]:
        masks = prompts["masks"][:, None] if "masks" in prompts else None
        points, labels, boxes = (prompts.get(name) for name in ("points", "labels", "boxes"))
        out = self.sam(
            image_embeddings=embedding,
            input_points=None if points is None else points[None],
            input_labels=None if labels is None else labels[None],
            input_boxes=None if boxes is None else boxes[None],
            input_masks=masks,
            multimask_output=multimask,
        )
        return out.pred_masks[0], out.iou_scores[0]


class EdgeSam:
    """The code of chongzhou96/EdgeSAM, of which the environment's ``EDGE_SAM`` names a checkout."""

    embed = Ultralytics.embed

    def __init__(self, config: dict[str, Any], weights: dict[str, Tensor]) -> None:
        beside = "mmdet.models.dense_heads mmdet.models.necks projects.EfficientDet mmengine loralib yacs.config"
        sys.modules |= {name: MagicMock() for name in beside.split()}  # its training, and a detector
        sys.path.insert(0, os.environ["EDGE_SAM"])
        from edge_sam.modeling import MaskDecoder, PromptEncoder, RepViT, Sam, TwoWayTransformer

        decoder = config["mask_decoder"]
        self.config, self.size = config, config["image_encoder"]["image_size"]
        grid = self.size // config["stride"]
        transformer = TwoWayTransformer(decoder["depth"], 256, decoder["num_heads"], decoder["mlp_dim"])
        self.sam = Sam(
            RepViT("m1", self.size, fuse=True),
            PromptEncoder(256, (grid, grid), (self.size, self.size), config["prompt_encoder"]["mask_channels"]),
            MaskDecoder(transformer_dim=256, transformer=transformer, iou_head_hidden_dim=decoder["iou_head_dim"]),
        ).eval()
        self.sam.load_state_dict(weights)

    def decode(self, embedding: Tensor, prompts: dict[str, Tensor], multimask: bool) -> tuple[Tensor, Tensor]:
        points = (prompts["points"], prompts["labels"]) if "points" in prompts else None
        masks = prompts["masks"][:, None] if "masks" in prompts else None
        sparse, dense = self.sam.prompt_encoder(points, prompts.get("boxes"), masks)
        positions = self.sam.prompt_encoder.get_dense_pe()
        return self.sam.mask_decoder(embedding, positions, sparse, dense, 3 if multimask else 1)


REFERENCES = {"ultralytics": Ultralytics, "transformers": Transformers, "edge_sam": EdgeSam}


def _prompts(inputs: dict[str, Tensor], case: Case, scale: Tensor) -> dict[str, Tensor]:
    """A case's prompts in pixels of the square input."""
    prefix = f"{case['name']}."
    prompts = {name.removeprefix(prefix): value for name, value in inputs.items() if name.startswith(prefix)}
    if "points" in prompts:
        prompts["points"] = (prompts["points"] * scale).float()
    if "boxes" in prompts:
        prompts["boxes"] = (prompts["boxes"].reshape(-1, 2, 2) * scale).float().reshape(-1, 4)
    return prompts


@torch.inference_mode()
def _main(reference: str, folder: Path) -> None:
    torch.set_num_threads(1)
    config = json.loads((folder / "config.json").read_text())
    cases: list[Case] = json.loads((folder / "cases.json").read_text())
    inputs = load_file(folder / "inputs.safetensors")
    model = REFERENCES[reference](config, load_file(folder / "weights.safetensors"))
    outputs: dict[str, Tensor] = {}
    for case in cases:
        image, key = inputs[case["image"]], f"{case['image']}.embedding"
        if key not in outputs:
            outputs[key] = model.embed(image)
        prompts = _prompts(inputs, case, scale_of(image, model.size)[1])
        count = max((len(value) for value in prompts.values()), default=1)
        # a mask is a map per object, and one of the references takes one map at a time
        groups = [slice(i, i + 1) for i in range(count)] if "masks" in prompts else [slice(None)]
        answers = [
            model.decode(outputs[key], {n: v[group] for n, v in prompts.items()}, case["multimask"]) for group in groups
        ]
        outputs[f"{case['name']}.logits"] = torch.cat([logits for logits, _ in answers])
        outputs[f"{case['name']}.iou"] = torch.cat([iou for _, iou in answers])
    save_file({name: value.contiguous() for name, value in outputs.items()}, folder / "outputs.safetensors")


def _ultralytics_models() -> dict[str, torch.nn.Module]:
    from ultralytics.models.sam import build

    with torch.device("meta"):
        models = {size: getattr(build, f"build_sam_{size}")() for size in ("vit_b", "vit_l", "vit_h")}
    return models | {"mobile_sam": build.build_mobile_sam()}


def _transformers_models() -> dict[str, torch.nn.Module]:
    from transformers import SamConfig, SamModel

    huge = {
        "hidden_size": 1280,
        "num_hidden_layers": 32,
        "num_attention_heads": 16,
        "global_attn_indexes": [7, 15, 23, 31],
    }
    with torch.device("meta"):
        return {"vit_b": SamModel(SamConfig()), "vit_h": SamModel(SamConfig(vision_config=huge))}


def _write_shapes(reference: str, folder: Path) -> None:
    models = {"ultralytics": _ultralytics_models, "transformers": _transformers_models}[reference]()
    shapes = {
        model: {name: list(value.shape) for name, value in network.state_dict().items()}
        for model, network in models.items()
    }
    (folder / "shapes.json").write_text(json.dumps(shapes))


if __name__ == "__main__":
    if sys.argv[3:] == ["shapes"]:
        _write_shapes(sys.argv[1], Path(sys.argv[2]))
    else:
        _main(sys.argv[1], Path(sys.argv[2]))
