"""The small text encoder: the names it was fitted to come out as CLIP gives them; what it does not know it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import sampipe as sp
from sampipe.text.phrases import bare, singulars
from sampipe.text.words import load_words
from sampipe.train.captioned import WORDS
from sampipe.train.words import held_out, read_names

WORDS_ENCODER = load_words()


def cosine(one: str, other: str) -> float:
    first, second = WORDS_ENCODER.encode_texts([one, other])
    return float(first @ second)


def test_the_file_in_the_package_gives_the_published_vectors(shared_data: Path) -> None:
    names = read_names(shared_data / "clip_text")
    exact = [row for row in range(len(names.phrases)) if names.weights[row] == 1]
    given = WORDS_ENCODER.encode_texts([names.phrases[row] for row in exact])
    cosines = (given * names.vectors[exact]).sum(axis=1)
    assert len(exact) > 1200 and cosines.mean() > 0.998 and cosines.min() > 0.95


def test_a_name_that_was_left_out_of_the_fit_comes_near(shared_data: Path) -> None:
    names = read_names(shared_data / "clip_text")
    unseen = held_out(names, folds=2)
    strangers = names.vectors @ names.vectors.mean(axis=0)
    assert len(unseen) > 40 and unseen.mean() > float(strangers.mean()) + 0.05


def test_a_frame_an_article_and_a_plural_change_nothing() -> None:
    for other in ("dogs", "Dog", "a dog", "the dog.", "a photo of a dog", "  DOGS! "):
        assert cosine("dog", other) == pytest.approx(1.0, abs=1e-5)
    assert cosine("person", "people") == pytest.approx(1.0, abs=1e-5)


def test_different_things_differ_and_resembling_things_resemble() -> None:
    assert cosine("dog", "puppy") > cosine("dog", "airplane")
    assert cosine("dog", "dining table") < 0.95


@pytest.mark.parametrize(
    ("phrase", "says"),
    [
        ("zyzygy", "'zyzygy'"),
        ("собака", "'собака'"),
        ("犬", "'犬'"),
        ("🐶", "'🐶'"),
        ("...", "'...'"),
        ("a blorgish dog", "'blorgish'"),
        ("umbrela", "Did you mean 'umbrella'"),
    ],
)
def test_an_unknown_word_is_said_with_what_to_do(phrase: str, says: str) -> None:
    with pytest.raises(sp.DataError, match=says) as caught:
        WORDS_ENCODER.encode_texts(["dog", phrase])
    assert "ViT-B-32/openai" in str(caught.value)


def test_every_sentence_about_a_composed_scene_is_known_and_its_own() -> None:
    sizes, patterns, colors, shapes = WORDS
    sentences = [
        f"{sizes[0]} {pattern} {color} {shape}" for pattern in patterns for color in colors for shape in shapes
    ]
    vectors = WORDS_ENCODER.encode_texts(sentences)
    close = vectors @ vectors.T - np.eye(len(sentences))
    assert close.max() < 0.97, "sentences that differ in one word must differ"
    assert cosine("red ring", "ring") < 1 and "striped" in WORDS_ENCODER.own


def test_colors_before_other_things_keep_their_published_sense() -> None:
    assert WORDS_ENCODER.knows("red pepper") and WORDS_ENCODER.knows("green bean") and WORDS_ENCODER.knows("red car")


def test_bare_phrases_and_singulars() -> None:
    assert bare("A photo of the Hot-Dog, please!") == "hot-dog please"
    assert "berry" in singulars("berries") and "box" in singulars("boxes") and "glass" in singulars("glass")
