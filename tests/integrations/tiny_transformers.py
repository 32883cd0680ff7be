"""transformers' own architectures, tiny and with random weights, as folders that ``save_pretrained`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SIDE = 64


def write_detr(folder: Path) -> str:
    """DETR on a ResNet of four narrow stages."""
    import torch
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessor, ResNetConfig

    backbone = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )
    config = DetrConfig(
        use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, backbone_config=backbone,
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=6,
        id2label={0: "nut", 1: "bolt", 2: "washer"}, label2id={"nut": 0, "bolt": 1, "washer": 2},
    )  # fmt: skip
    torch.manual_seed(1)
    model = DetrForObjectDetection(config)
    torch.nn.init.normal_(model.class_labels_classifier.weight, std=0.5)
    size = {"shortest_edge": SIDE, "longest_edge": 2 * SIDE}
    return _write(folder, model, DetrImageProcessor(size=size))


def write_yolos(folder: Path) -> str:
    """YOLOS: a plain vision transformer with detection tokens."""
    import torch
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    config = YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[SIDE, SIDE],
        patch_size=16, num_detection_tokens=6, id2label={0: "nut", 1: "bolt"}, label2id={"nut": 0, "bolt": 1},
    )  # fmt: skip
    torch.manual_seed(1)
    size = {"shortest_edge": SIDE, "longest_edge": SIDE}
    return _write(folder, YolosForObjectDetection(config), YolosImageProcessor(size=size))


def write_sam(folder: Path) -> str:
    """SAM with an encoder of one layer."""
    import torch
    from transformers import SamConfig, SamImageProcessor, SamModel

    config = SamConfig(
        vision_config={
            "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": SIDE, "patch_size": 8, "mlp_dim": 16, "window_size": 2, "global_attn_indexes": [0],
            "num_pos_feats": 8,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    torch.manual_seed(1)
    processor = SamImageProcessor(size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE})
    return _write(folder, SamModel(config), processor)


def write_sam2(folder: Path) -> str:
    """SAM 2 on a narrow Hiera."""
    import torch
    from transformers import Sam2Config, Sam2ImageProcessor, Sam2Model

    config = Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model", "hidden_size": 12, "image_size": [SIDE, SIDE],
                "blocks_per_stage": [1, 1, 1, 1], "embed_dim_per_stage": [12, 24, 48, 96],
                "num_attention_heads_per_stage": [1, 2, 4, 8], "window_size_per_stage": [4, 4, 2, 2],
                "global_attention_blocks": [], "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [96, 48, 24, 12],
            "backbone_feature_sizes": [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
            "fpn_hidden_size": 16,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SIDE, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )  # fmt: skip
    torch.manual_seed(1)
    return _write(folder, Sam2Model(config), Sam2ImageProcessor(size={"height": SIDE, "width": SIDE}))


def write_owlvit(folder: Path) -> str:
    """OWL-ViT with towers of one layer and a tokenizer that knows letters."""
    import json

    import torch
    from transformers import CLIPTokenizer, OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessor

    tower = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    words = ["!", "<|startoftext|>", "<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"]
    words += [f"{letter}</w>" for letter in words[3:]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16)
    config = OwlViTConfig(
        text_config={
            **tower,
            "vocab_size": len(words),
            "max_position_embeddings": 16,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={**tower, "image_size": SIDE, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(1)
    tokenizer.save_pretrained(folder)
    size = {"height": SIDE, "width": SIDE}
    return _write(folder, OwlViTForObjectDetection(config), OwlViTImageProcessor(size=size, crop_size=size))


def _write(folder: Path, model: Any, processor: Any) -> str:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)
