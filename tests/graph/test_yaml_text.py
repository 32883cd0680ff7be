"""YAML text: plain data, nothing clever."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sampipe import SpecError
from sampipe.graph.yaml_text import parse, write

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_is_read_back(data):
    back = parse(write(data), "graph")
    assert back == data
    assert repr(back) == repr(data)  # 1, 1.0 and True stay what they are


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-12", -12),
        ("012", "012"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-02", "2024-01-02"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("~", None),
        ("null", None),
        ("'3'", "3"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_the_core_schema(text, value):
    back = parse(f"key: {text}", "graph")["key"]
    assert (back, type(back)) == (value, type(value))


@pytest.mark.parametrize("word", ["no", "yes", "1e-3", "2024-01-02", "0o7", "012", "null", "1:30", "="])
def test_text_that_looks_like_something_else_is_quoted_for_every_reader(word):
    assert yaml.safe_load(write([word])) == parse(write([word]), "graph") == [word]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", r"line 1, column 4: &x: anchors are not allowed"),
        ("a: *x", r"line 1, column 4: \*x: aliases are not allowed"),
        ("a: !!python/object/apply:os.system ['true']", "tags are not allowed"),
        ("a: !!str 3", "tags are not allowed"),
        ("!graph {a: 1}", "tags are not allowed"),
        ("a: 1\nb: 2\na: 3", r"line 3, column 1: the key 'a' stands here twice"),
        ("a: {b: 1, b: 2}", "the key 'b' stands here twice"),
        ("1: 2", "keys are text"),
        ("? [a, b]\n: 2", "keys are text"),
        ("a: [1, 2", "line 1, column 9"),
        ("a: 1\n--- \nb: 2", "single document"),
        ("a: \x00", "not allowed"),
        ("[" * 300_000, "nested too deeply"),
        ("9" * 5000, "digit"),
        (" " * 1_000_001, "1,000,001 characters"),
    ],
)
def test_what_is_refused(text, message):
    with pytest.raises(SpecError, match=message) as caught:
        parse(text, "street.yaml")
    assert str(caught.value).startswith("street.yaml: ")
