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
    return _write(folder, _lively(SamModel(config)), processor)


def write_sam2(folder: Path) -> str:
    """SAM 2 on a narrow Hiera."""
    import torch
    from transformers import Sam2Config, Sam2ImageProcessor, Sam2Model

    config = Sam2Config(
        vision_config=_hiera(),
        **_decoder(patch=16),
    )  # fmt: skip
    torch.manual_seed(1)
    return _write(folder, _lively(Sam2Model(config)), Sam2ImageProcessor(size={"height": SIDE, "width": SIDE}))


def write_sam_hq(folder: Path) -> str:
    """SAM-HQ with an encoder of two layers."""
    import torch
    from transformers import SamHQConfig, SamHQModel, SamImageProcessor

    config = SamHQConfig(
        vision_config={
            "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": SIDE, "patch_size": 8, "mlp_dim": 16, "window_size": 2, "global_attn_indexes": [0, 1],
            "num_pos_feats": 8,
        },
        prompt_encoder_config={"hidden_size": 16, "image_size": SIDE, "patch_size": 8, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 16, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16, "vit_dim": 16,
        },
    )  # fmt: skip
    torch.manual_seed(1)
    processor = SamImageProcessor(size={"longest_edge": SIDE}, pad_size={"height": SIDE, "width": SIDE})
    return _write(folder, _lively(SamHQModel(config)), processor)


def write_edgetam(folder: Path) -> str:
    """EdgeTAM on the backbone that its only configuration has."""
    import torch
    from transformers import EdgeTamConfig, EdgeTamModel, Sam2ImageProcessor

    config = EdgeTamConfig(
        vision_config=_repvit(),
        **_decoder(patch=16),
    )  # fmt: skip
    torch.manual_seed(1)
    return _write(folder, _lively(EdgeTamModel(config)), Sam2ImageProcessor(size={"height": SIDE, "width": SIDE}))


def write_sam3_tracker(folder: Path) -> str:
    """The half of SAM 3 that answers points, boxes and masks."""
    import torch
    from transformers import Sam3ImageProcessor, Sam3TrackerConfig, Sam3TrackerModel

    config = Sam3TrackerConfig(vision_config=_sam3_vision(), **_decoder(patch=8))
    torch.manual_seed(1)
    return _write(folder, _lively(Sam3TrackerModel(config)), Sam3ImageProcessor(size={"height": SIDE, "width": SIDE}))


def _hiera(width: int = 16) -> dict[str, Any]:
    return {
        "backbone_config": {
            "model_type": "sam2_hiera_det_model", "hidden_size": 12, "image_size": [SIDE, SIDE],
            "blocks_per_stage": [1, 1, 1, 1], "embed_dim_per_stage": [12, 24, 48, 96],
            "num_attention_heads_per_stage": [1, 2, 4, 8], "window_size_per_stage": [4, 4, 2, 2],
            "global_attention_blocks": [], "window_positional_embedding_background_size": [2, 2],
        },
        "backbone_channel_list": [96, 48, 24, 12],
        "backbone_feature_sizes": [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        "fpn_hidden_size": width,
    }  # fmt: skip


def _repvit(width: int = 16) -> dict[str, Any]:
    return {
        "model_type": "edgetam_vision_model",
        "backbone_config": {
            "model_type": "timm_wrapper", "architecture": "repvit_m1", "num_classes": 2,
            "model_args": {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]},
        },
        "backbone_feature_sizes": [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2],
        "fpn_hidden_size": width,
    }  # fmt: skip


def _sam3_vision(width: int = 16) -> dict[str, Any]:
    cells = SIDE // 8
    return {
        "model_type": "sam3_vision_model",
        "backbone_config": {
            "model_type": "sam3_vit_model", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": SIDE, "patch_size": 8, "window_size": 4,
            "global_attn_indexes": [1], "pretrain_image_size": SIDE,
        },
        "fpn_hidden_size": width,
        "backbone_feature_sizes": [[4 * cells] * 2, [2 * cells] * 2, [cells] * 2],
    }  # fmt: skip


def _decoder(*, patch: int, width: int = 16) -> dict[str, Any]:
    return {
        "prompt_encoder_config": {
            "hidden_size": width, "image_size": SIDE, "patch_size": patch, "mask_input_channels": 4,
        },
        "mask_decoder_config": {
            "hidden_size": width, "mlp_dim": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    }  # fmt: skip


def write_owlvit(folder: Path) -> str:
    """OWL-ViT with towers of one layer and a tokenizer that knows letters."""
    import torch
    from transformers import OwlViTConfig, OwlViTForObjectDetection, OwlViTImageProcessor

    tower = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    vocabulary = _write_letters(folder, length=16)
    config = OwlViTConfig(
        text_config={
            **tower,
            "vocab_size": vocabulary,
            "max_position_embeddings": 16,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={**tower, "image_size": SIDE, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(1)
    size = {"height": SIDE, "width": SIDE}
    return _write(folder, OwlViTForObjectDetection(config), OwlViTImageProcessor(size=size, crop_size=size))


def write_sam3(folder: Path) -> str:
    """The half of SAM 3 that reads words, with a tokenizer that knows letters."""
    import torch
    from transformers import Sam3Config, Sam3ImageProcessor, Sam3Model

    narrow = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 16}
    vocabulary = _write_letters(folder, length=32)
    config = Sam3Config(
        vision_config=_sam3_vision(),
        text_config={
            **narrow, "model_type": "clip_text_model", "vocab_size": vocabulary, "projection_dim": 16,
            "num_hidden_layers": 1, "max_position_embeddings": 32, "eos_token_id": 2, "bos_token_id": 1,
        },
        geometry_encoder_config={**narrow, "num_layers": 1},
        detr_encoder_config={**narrow, "num_layers": 1},
        detr_decoder_config={**narrow, "num_layers": 1, "num_queries": 12},
        mask_decoder_config={"hidden_size": 16, "num_attention_heads": 2},
    )  # fmt: skip
    torch.manual_seed(1)
    processor = Sam3ImageProcessor(size={"height": SIDE, "width": SIDE})
    return _write(folder, _lively(Sam3Model(config)), processor)


def write_sam2_video(folder: Path) -> str:
    """SAM 2 on a narrow Hiera, with its memory."""
    import torch
    from transformers import Sam2ImageProcessor, Sam2VideoConfig, Sam2VideoModel

    parts = {**_memory(cells=SIDE // 16), **_decoder(patch=16, width=128)}
    config = Sam2VideoConfig(vision_config=_hiera(128), **parts)
    torch.manual_seed(1)
    processor = Sam2ImageProcessor(size={"height": SIDE, "width": SIDE})
    return _write(folder, _sure(_lively(Sam2VideoModel(config))), processor)


def write_sam3_tracker_video(folder: Path) -> str:
    """SAM 3's tracker with its memory."""
    import torch
    from transformers import Sam3ImageProcessor, Sam3TrackerVideoConfig, Sam3TrackerVideoModel

    parts = {**_memory(cells=SIDE // 8), **_decoder(patch=8, width=128)}
    config = Sam3TrackerVideoConfig(vision_config=_sam3_vision(128), **parts)
    torch.manual_seed(1)
    processor = Sam3ImageProcessor(size={"height": SIDE, "width": SIDE})
    return _write(folder, _sure(_lively(Sam3TrackerVideoModel(config))), processor)


def write_edgetam_video(folder: Path) -> str:
    """EdgeTAM with its memory."""
    import torch
    from transformers import EdgeTamVideoConfig, EdgeTamVideoModel, Sam2ImageProcessor

    cells = SIDE // 16
    config = EdgeTamVideoConfig(
        vision_config=_repvit(128),
        image_size=SIDE, num_maskmem=3, max_object_pointers_in_encoder=4, memory_attention_hidden_size=128,
        memory_attention_num_layers=1, memory_attention_mlp_hidden_size=16,
        memory_attention_rope_feat_sizes=[cells, cells], memory_attention_rope_k_sizes=[2, 2],
        memory_encoder_hidden_size=128, mask_downsampler_embed_dim=128, memory_fuser_num_layers=1,
        memory_fuser_embed_dim=128, memory_fuser_intermediate_dim=16, perceiver_resampler_num_latents=4,
        perceiver_resampler_num_latents_2d=4, perceiver_resampler_num_layers=1, **_decoder(patch=16, width=128),
    )  # fmt: skip
    torch.manual_seed(1)
    processor = Sam2ImageProcessor(size={"height": SIDE, "width": SIDE})
    return _write(folder, _sure(_lively(EdgeTamVideoModel(config))), processor)


def _memory(*, cells: int) -> dict[str, Any]:
    return {
        "image_size": SIDE, "num_maskmem": 3, "max_object_pointers_in_encoder": 4,
        "memory_attention_hidden_size": 128, "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 16, "memory_attention_rope_feat_sizes": [cells, cells],
        "memory_encoder_hidden_size": 128, "mask_downsampler_embed_dim": 128,
        "memory_fuser_num_layers": 1, "memory_fuser_embed_dim": 128, "memory_fuser_intermediate_dim": 16,
    }  # fmt: skip


def _write_letters(folder: Path, *, length: int) -> int:
    """A CLIP tokenizer that knows letters; how many tokens there are."""
    import json

    from transformers import CLIPTokenizer

    words = ["!", "<|startoftext|>", "<|endoftext|>", *"abcdefghijklmnopqrstuvwxyz"]
    words += [f"{letter}</w>" for letter in words[3:]]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=length)
    tokenizer.save_pretrained(folder)
    return len(words)


def _lively(model: Any) -> Any:
    """The model, its weights as large as trained ones: the usual start gives logits of a millionth."""
    import torch

    for value in model.parameters():
        if value.ndim > 1:
            torch.nn.init.normal_(value, std=value[0].numel() ** -0.5 if value.ndim > 2 else value.shape[1] ** -0.5)
    return model


def _sure(model: Any) -> Any:
    """The model, as good as sure that what it follows is in sight."""
    import torch

    torch.nn.init.constant_(model.mask_decoder.pred_obj_score_head.proj_out.bias, 8.0)
    return model


def _write(folder: Path, model: Any, processor: Any) -> str:
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return str(folder)
