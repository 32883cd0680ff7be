"""Phrases: tidied, in any script, and refused in words when they ask for nothing or for too much."""

from __future__ import annotations

import pytest

import sampipe as sp
from sampipe.types.text import MAX_CHARACTERS


def test_commas_part_phrases_and_spaces_are_tidied() -> None:
    assert sp.Text.of(" a wheel,  a  big\tdog ,").phrases == ("a wheel", "a big dog")
    assert sp.Text.of(["a, b", "c"]).phrases == ("a, b", "c")
    assert str(sp.Text.of("a wheel,a dog")) == "a wheel, a dog"


@pytest.mark.parametrize(
    ("words", "phrases"),
    [
        ("lamp . sofa .", ("lamp", "sofa")),
        ("lamp. sofa. red chair.", ("lamp", "sofa", "red chair")),
        ("lamp\nsofa\r\nred chair", ("lamp", "sofa", "red chair")),
        ("lamp; sofa;", ("lamp", "sofa")),
        ("A photo of a lamp.", ("A photo of a lamp",)),
        (
            "a 2.5 inch disk, St. Bernard, U.S. flag, Dr. Pepper",
            ("a 2.5 inch disk", "St. Bernard", "U.S. flag", "Dr. Pepper"),
        ),
        ("猫、犬。鳥", ("猫", "犬", "鳥")),
        ("قط، كلب", ("قط", "كلب")),
        ("well-made no.5 can't", ("well-made no.5 can't",)),
        (". , ;", (". , ;",)),
    ],
)
def test_separators_of_the_field_part_phrases(words: str, phrases: tuple[str, ...]) -> None:
    assert sp.Text.of(words).phrases == phrases


def test_a_phrase_counts_once() -> None:
    assert sp.Text.of("dog, cat,  dog").phrases == ("dog", "cat")


@pytest.mark.parametrize("words", ["ein Hündchen", "собака", "犬", "كلب", "🐶", "👩‍👩‍👧", "o\u0301"])
def test_any_script_is_a_phrase(words: str) -> None:
    assert len(sp.Text.of(words)) == 1


def test_composed_and_decomposed_letters_are_one_phrase() -> None:
    assert sp.Text.of("caf\u00e9, cafe\u0301").phrases == ("caf\u00e9",)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "empty phrase asks for nothing"),
        ("  \n ", "empty phrase asks for nothing"),
        (["dog", ""], "empty phrase"),
        ([], "nothing was asked for"),
        ("x" * 10_000, "a phrase of 10,000 characters"),
        ([f"thing {i}" for i in range(3000)], "got 3,000 phrases"),
        ("\ud800", "not valid Unicode"),
    ],
)
def test_what_asks_for_nothing_or_too_much_is_refused(words: str | list[str], says: str) -> None:
    with pytest.raises(sp.DataError, match=says):
        sp.Text.of(words)


def test_a_lone_string_as_phrases_is_the_usual_slip() -> None:
    with pytest.raises(sp.DataError, match=r"Text\.of"):
        sp.Text("dog")  # type: ignore[arg-type]


def test_limits_themselves_are_allowed() -> None:
    assert len(sp.Text.of("x" * MAX_CHARACTERS)) == 1
    assert len(sp.Text.of([f"class {i}" for i in range(500)])) == 500


def test_prompts_remember_the_space_of_their_text_vectors() -> None:
    vectors = sp.Embedding.normalized([[3.0, 4.0]], model="ViT-B-32/openai")
    prompts = sp.Prompts.from_boxes([[0, 0, 4, 4]]).with_text(vectors)
    assert prompts.text_space == "ViT-B-32/openai"
    joined = sp.Prompts.concat([prompts, sp.Prompts.from_boxes([[1, 1, 2, 2]])])
    assert joined.text_space == "ViT-B-32/openai" and joined.has_text.tolist() == [True, False]
    other = prompts.replace(text_space="ViT-L-14/openai")
    with pytest.raises(sp.DataError, match="different CLIP spaces"):
        sp.Prompts.concat([prompts, other])
