"""GroundingDINO and OWLv2 with random weights: phrases stay apart, boxes inside, and what does not fit is said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sampipe_integrations.transformers import GroundingDino, Owl
from sampipe_integrations.transformers.grounding_dino import _Caption, assign, caption_of
from sampipe_integrations.transformers.open_vocabulary import to_xyxy

import sampipe as sp

IMAGE = sp.Image.from_array(np.random.default_rng(0).integers(0, 255, (60, 90, 3)).astype(np.uint8))
PHRASES = ("fire hydrant", "hot dog", "dog", "🐶 犬")


@pytest.fixture(scope="module")
def bert_words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "fire", "hot", "dog", "hydr", "##ant"]
    (folder / "vocab.txt").write_text("\n".join([*words, *letters, *(f"##{one}" for one in letters)]))
    return folder


@pytest.fixture(scope="module")
def dino(bert_words: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    import transformers as hf

    folder = tmp_path_factory.mktemp("dino")
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
    hf.BertTokenizerFast(vocab=str(bert_words / "vocab.txt")).save_pretrained(folder)
    hf.GroundingDinoImageProcessor(size={"shortest_edge": 128, "longest_edge": 192}).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def owl(tmp_path_factory: pytest.TempPathFactory) -> str:
    import torch
    import transformers as hf

    folder = tmp_path_factory.mktemp("owl")
    config = hf.Owlv2Config(
        text_config={"vocab_size": 600, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
                     "num_attention_heads": 2, "max_position_embeddings": 16, "bos_token_id": 1, "eos_token_id": 2,
                     "pad_token_id": 0},
        vision_config={"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
                       "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = hf.Owlv2ForObjectDetection(config)
    for parameter in network.box_head.parameters():
        parameter.data *= 0.01  # boxes of some size
    network.save_pretrained(folder)
    alphabet = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    vocabulary = {"!": 0, "<|startoftext|>": 1, "<|endoftext|>": 2}
    for word in [*alphabet, *(f"{one}</w>" for one in alphabet)]:
        vocabulary[word] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    hf.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=16).save_pretrained(
        folder
    )
    hf.Owlv2ImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return str(folder)


def check(found: sp.Prompts, phrases: tuple[str, ...]) -> None:
    assert len(found) and found.labels is not None and found.class_ids is not None and found.boxes is not None
    assert [phrases[number] for number in found.class_ids] == list(found.labels)
    assert (found.boxes >= 0).all() and (found.boxes <= [90, 60, 90, 60]).all()
    assert found.scores is not None and (np.diff(found.scores) <= 0).all()


def test_grounding_dino_names_every_box_by_one_phrase(dino: str) -> None:
    found = GroundingDino(model=dino, confidence=0.0, device="cpu")(IMAGE, text=sp.Text(PHRASES))
    check(found, PHRASES)


def test_more_phrases_than_it_reads_at_once_are_read_in_several_goes(dino: str) -> None:
    node = GroundingDino(model=dino, confidence=0.0, nms=1.0, device="cpu")
    phrases = tuple(f"dog {letter} {other}" for letter in "abcde" for other in "fghij")
    captions = list(node._groups(phrases))
    assert len(captions) > 1 and all(len(caption.tokens) <= 20 for caption in captions)
    assert [number for caption in captions for number in caption.phrases] == list(range(25))
    check(node.run(IMAGE, sp.Text(phrases)), phrases)


def test_a_phrase_too_long_for_it_is_said(dino: str) -> None:
    with pytest.raises(sp.DataError, match="longer than the 20 tokens"):
        GroundingDino(texts=["dog " * 30], model=dino, device="cpu").run(IMAGE)


def test_stops_inside_a_phrase_do_not_part_it(bert_words: Path) -> None:
    import transformers as hf

    tokenizer = hf.BertTokenizerFast(vocab=str(bert_words / "vocab.txt"))
    caption = caption_of(["hot. dog?", "fire hydrant"], [0, 1], tokenizer)
    words = tokenizer.convert_ids_to_tokens(caption.tokens)
    assert [[words[place] for place in places] for places in caption.positions] == [
        ["hot", "dog"], ["fire", "hydr", "##ant"],
    ]  # fmt: skip
    assert words.count(".") == 2


def test_a_box_goes_to_the_phrase_of_its_likeliest_token() -> None:
    caption = _Caption(tokens=[1, 2, 3, 4], phrases=[7, 4], positions=[[0, 1], [2, 3]])
    likely = np.array([[0.1, 0.6, 0.5, 0.2], [0.2, 0.1, 0.1, 0.9]], np.float32)
    class_ids, scores = assign(likely, caption)
    assert class_ids.tolist() == [7, 4] and np.allclose(scores, [0.6, 0.9])


def test_boxes_from_shares_to_pixels() -> None:
    assert to_xyxy(np.array([[0.5, 0.5, 0.5, 1.0]], np.float32), (100, 40)).tolist() == [[25, 0, 75, 40]]


def test_owl_names_every_box_by_one_phrase(owl: str) -> None:
    phrases = ("dog", "cat", "a cup")
    check(Owl(model=owl, confidence=0.0, device="cpu")(IMAGE, text=sp.Text(phrases)), phrases)


def test_owl_says_which_phrase_is_too_long(owl: str) -> None:
    with pytest.raises(sp.DataError, match="'abcdefghijklmnopqrstuvwxyz'"):
        Owl(texts=["dog", "abcdefghijklmnopqrstuvwxyz"], model=owl, device="cpu").run(IMAGE)


@pytest.mark.parametrize("node_class", [GroundingDino, Owl])
def test_nothing_found_is_a_typed_empty(node_class: type, dino: str, owl: str) -> None:
    model = dino if node_class is GroundingDino else owl
    found = node_class(texts=["dog"], model=model, confidence=1.0, device="cpu").run(IMAGE)
    assert len(found) == 0 and found.boxes.shape == (0, 4)


def test_each_refuses_the_others_models(dino: str, owl: str) -> None:
    with pytest.raises(sp.CheckpointError, match="wanted a GroundingDINO"):
        GroundingDino(texts=["dog"], model=owl, device="cpu").run(IMAGE)
    with pytest.raises(sp.CheckpointError, match="wanted an OWLv2"):
        Owl(texts=["dog"], model=dino, device="cpu").run(IMAGE)


@pytest.mark.parametrize("node_class", [GroundingDino, Owl])
def test_no_weights_no_model(node_class: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMPIPE_OFFLINE", "1")
    with pytest.raises(sp.CheckpointError):
        node_class(texts=["dog"], device="cpu").run(IMAGE)
