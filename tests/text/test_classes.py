"""Which class of a detector a phrase names."""

from __future__ import annotations

import pytest

from sampipe.text.classes import class_of

NAMES = ["person", "bicycle", "bus", "knife", "sheep", "cell phone", "tv", "couch", "hair drier"]


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("person", "person"),
        ("People", "person"),
        ("a man", "person"),
        ("women", "person"),
        ("bikes", "bicycle"),
        ("buses", "bus"),
        ("knives", "knife"),
        ("sheep", "sheep"),
        ("mobile  phone", "cell phone"),
        ("the television", "tv"),
        ("sofa", "couch"),
        ("hair dryer", "hair drier"),
    ],
)
def test_names_synonyms_and_plurals(phrase: str, name: str) -> None:
    number = class_of(phrase, NAMES)
    assert number is not None and NAMES[number] == name


@pytest.mark.parametrize("phrase", ["red bicycle", "tree", "phone mobile", "", "ma", "busy"])
def test_other_phrases_name_no_class(phrase: str) -> None:
    assert class_of(phrase, NAMES) is None


def test_a_synonym_of_a_class_that_is_not_there_is_none() -> None:
    assert class_of("kitten", NAMES) is None
