"""docs/migrate.md: what it says about other tools and about this one is run, in a folder with the files it names.

The other tools get small networks with random weights in place of their files, nothing else about their code changes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_readme import ROOT, Block, numbers, read_blocks, words

import sampipe as sp
from sampipe.compat import _OPTIONS
from sampipe.nodes import SegmentEverything

PAGE = ROOT / "docs" / "migrate.md"
BLOCKS = [block for block in read_blocks(PAGE.read_text(encoding="utf-8"), "docs/migrate.md") if not block.skipped]
BEFORE = {f"from {package} ": package for package in ("segment_anything", "ultralytics", "transformers")}
SMALL_SAM = """
import sys
sys.path.insert(0, {folder!r})
import segment_anything
from everything_reference import build
encoder = dict(out_channels=64, image_size=256, patch=16, embed_dim=32, depth=2, num_heads=2, mlp_ratio=4, window=14,
               global_blocks=(1,))
decoder = dict(mlp_dim=64, num_heads=8, iou_head_dim=32)
segment_anything.sam_model_registry = {{"vit_b": lambda checkpoint: build(encoder, decoder, 16)}}
"""


def blocks(language: str, *, before: bool) -> list[object]:
    found = [one for one in BLOCKS if one.language == language and any(map(one.body.__contains__, BEFORE)) == before]
    return [pytest.param(block, id=f"line-{block.line}") for block in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page's reader stands: a photo and photos; tests add what else a block names."""
    made = tmp_path_factory.mktemp("migrate")
    (made / "photos").mkdir()
    for name in ("rocket", "astronaut"):
        sp.Image.open(f"sample:{name}").save(made / "photos" / f"{name}.jpg")
    shutil.copy(made / "photos" / "rocket.jpg", made / "photo.jpg")
    return made


def run(command: list[str], folder: Path) -> str:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "100",
        "HF_HUB_OFFLINE": "1",
        "YOLO_OFFLINE": "1",
        "YOLO_AUTOINSTALL": "0",
        "YOLO_CONFIG_DIR": str(folder),
    }
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rasterio's own
@pytest.mark.parametrize("block", blocks("python", before=False))
def test_what_is_written_here_now_runs(block: Block, folder: Path) -> None:
    if "grounding-dino-tiny" in block.body:
        write_dino(folder / "grounding-dino-tiny")
    if "satellite.tif" in block.body:
        write_raster(folder / "satellite.tif")
    printed = run([sys.executable, "-c", block.body], folder)
    assert block.output is not None, "each says what it prints"
    assert words(printed) == words(block.output)
    assert numbers(printed) == pytest.approx(numbers(block.output))


@pytest.mark.parametrize("block", blocks("python", before=True))
def test_what_was_written_before_runs(block: Block, folder: Path) -> None:
    package = next(name for start, name in BEFORE.items() if start in block.body)
    pytest.importorskip(package, reason='needs the other tools: pip install "sampipe[test]"')
    prelude = ""
    if package == "segment_anything":
        prelude = SMALL_SAM.format(folder=str(ROOT / "tests" / "nodes" / "segment"))
    elif package == "ultralytics":
        write_mobile_sam(folder / "mobile_sam.pt")
    else:
        sys.path.insert(0, str(ROOT / "tests" / "integrations"))
        from tiny_transformers import write_sam

        write_sam(folder / "sam-tiny")
    run([sys.executable, "-W", "ignore", "-c", prelude + block.body], folder)  # a small random model may find nothing


@pytest.mark.parametrize("block", blocks("bash", before=False))
def test_the_commands_run(block: Block, folder: Path) -> None:
    run(["bash", "-euo", "pipefail", "-c", block.body], folder)
    labels = sorted(path.name for path in (folder / "dataset").rglob("*.txt"))
    assert {"astronaut.txt"} <= set(labels), labels
    assert list((folder / "dataset").rglob("*.jpg"))
    assert "person" in (folder / "dataset" / "data.yaml").read_text()


def test_the_parameters_side_by_side_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for theirs, ours in _OPTIONS.items():
        assert f"| `{theirs}` | `{ours}` |" in text
        assert hasattr(SegmentEverything(), ours)


def write_raster(path: Path) -> None:
    import rasterio

    pixels = sp.Image.open("sample:coins").pixels.transpose(2, 0, 1)
    transform = rasterio.transform.from_origin(500_000, 4_649_776, 1, 1)
    options = {"driver": "GTiff", "dtype": "uint8", "count": 3, "crs": "EPSG:32632", "transform": transform}
    with rasterio.open(path, "w", height=pixels.shape[1], width=pixels.shape[2], **options) as raster:
        raster.write(pixels)


def write_mobile_sam(path: Path) -> None:
    """What ultralytics calls MobileSAM, with random weights."""
    import torch
    from sampipe_integrations.ultralytics.quarantine import load_ultralytics, side_effects_undone

    with side_effects_undone(), pytest.MonkeyPatch.context() as patch:
        load_ultralytics()
        from ultralytics.models.sam import build

        patch.setattr(build, "_load_checkpoint", lambda model, *_: model)
        torch.manual_seed(0)
        tensors = build.sam_model_map[path.name](path.name).state_dict()
        for name in tensors:
            if name.endswith("iou_prediction_head.layers.2.bias"):
                tensors[name] += 2  # ultralytics drops masks that are scored below 0
        torch.save(tensors, path)


def write_dino(folder: Path) -> None:
    """A GroundingDINO of 32 channels."""
    import torch
    import transformers as hf

    config = hf.GroundingDinoConfig(
        backbone_config=hf.SwinConfig(
            image_size=32, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1], window_size=2,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config=hf.BertConfig(
            vocab_size=80, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
        ),
        d_model=32, encoder_layers=1, encoder_ffn_dim=16, encoder_attention_heads=2, decoder_layers=2,
        decoder_ffn_dim=16, decoder_attention_heads=2, num_queries=12, max_text_len=20, two_stage=True,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hf.GroundingDinoForObjectDetection(config).save_pretrained(folder)
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "car", "tire", *letters]
    (folder / "vocab.txt").write_text("\n".join([*vocabulary, *(f"##{one}" for one in letters)]))
    hf.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    hf.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 192}).save_pretrained(folder)
