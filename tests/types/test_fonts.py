"""Labels in every script: drawn by a font that has their characters, or said to be codes."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from sampipe.errors import DataError
from sampipe.types import Image, Masks, Prompts
from sampipe.types.fonts import label_font
from sampipe.types.overlay import overlay

CANVAS = Image.from_array(np.full((160, 320, 3), 220, np.uint8))
cjk = pytest.mark.skipif(find_spec("justmytype_intl_cjk") is None, reason='needs pip install "sampipe[fonts]"')


def drawn(label: str, **how: object) -> np.ndarray:
    mask = np.zeros((1, *CANVAS.hw), bool)
    mask[0, 50:130, 40:280] = True
    masks = Masks.from_binary(mask, Prompts.from_boxes([[40, 50, 280, 130]], labels=[label]))
    return overlay(CANVAS, masks, **how).pixels  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ö", "Ü"), ("ç", "ğ"), ("ж", "щ"), ("λ", "θ"), ("ש", "ל"), ("قط", "كلب"), pytest.param("狐", "狸", marks=cjk),
     pytest.param("ねこ", "いぬ", marks=cjk), pytest.param("고양이", "강아지", marks=cjk)],
)  # fmt: skip
def test_words_of_a_script_look_different_and_nothing_is_said(one: str, other: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (drawn(one) != drawn(other)).any()
        assert label_font(one, 20)[1] == one


def test_what_no_font_has_is_drawn_as_its_code_and_said() -> None:
    with pytest.warns(UserWarning, match=r"no font at hand.*drawn as codes.*font=.*sampipe\[fonts\]"):
        _, text = label_font("a\U000f1234b", 20)
    assert text == "aU+F1234b"


def test_a_font_of_ones_own_draws_the_labels(tmp_path: Path) -> None:
    import matplotlib

    serif = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSerif.ttf"
    assert (drawn("cup", font=str(serif)) != drawn("cup")).any()
    (tmp_path / "no.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match=r"no\.ttf is not a font file"):
        drawn("cup", font=str(tmp_path / "no.ttf"))
