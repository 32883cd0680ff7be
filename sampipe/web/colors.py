"""Colours of objects on a page: fifty that stay apart, for colour-blind eyes too."""

from __future__ import annotations

# Chosen one after the other, each as far as can be from those before it in OKLab (Ottosson 2020), the distance being
# the smallest of four: as seen normally, and as by people without red, green or blue cones (Machado et al. 2009).
COLORS = (
    "#FF9F1C", "#2EC4F1", "#283C82", "#965A00", "#5064FA", "#D2FADC", "#F0328C", "#643228", "#B4820A", "#B4C8A0",
    "#FADC6E", "#6E32BE", "#9682D2", "#8CE6FA", "#B42864", "#0000FA", "#B4A06E", "#7864BE", "#82B4B4", "#8C005A",
    "#8C7850", "#824696", "#B4E6B4", "#F0FA0A", "#784628", "#0096A0", "#5A00AA", "#1496FA", "#F0BE6E", "#96D2D2",
    "#C89628", "#A08C5A", "#E65AB4", "#0A6E64", "#BEB478", "#8C46D2", "#FA96FA", "#A096DC", "#A06E00", "#5A8C78",
    "#D264FA", "#D2D200", "#9664DC", "#78006E", "#2800DC", "#148282", "#AA1400", "#646E3C", "#A0FAA0", "#DCA0D2",
)  # fmt: skip


def color_of(index: int) -> str:
    """The colour of the ``index``-th object (from 0) as ``#RRGGBB``; from the fifty-first on they come again."""
    return COLORS[index % len(COLORS)]
