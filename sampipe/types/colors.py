"""Colors of objects, in overlays and on pages: fifty that stay apart, for color-blind eyes too."""

from __future__ import annotations

# After three chosen for their looks, each as far as can be from those before it in CIEDE2000, the distance being the
# smallest of four: as seen normally, and as by people without red, green or blue cones (Machado et al. 2009). The first
# ten are vivid, and none is so dark or so pale that it is lost on a photo.
COLORS = (
    "#2EC4F1", "#FF9F1C", "#F6398F", "#3C782D", "#3C78FF", "#E1F096", "#F0004B", "#87C378", "#78FFD2", "#C30FA5",
    "#783C5A", "#D2F0FF", "#A596B4", "#3C3CFF", "#009687", "#FFF01E", "#D2B4C3", "#1E5A00", "#965A69", "#87785A",
    "#D27800", "#B4C3A5", "#A578C3", "#960078", "#87A578", "#961E3C", "#4B69B4", "#8796FF", "#5AB4A5", "#1EE15A",
    "#B4E1A5", "#D2C3E1", "#A50F00", "#B4964B", "#B4FFF0", "#D296A5", "#5A1ED2", "#5A8796", "#0F5A87", "#F087D2",
    "#785A78", "#C33C2D", "#69694B", "#B46978", "#D23CE1", "#87E1C3", "#968769", "#B4E1FF", "#694B4B", "#FF96FF",
)  # fmt: skip
"""``#RRGGBB``; from the fifty-first object on they come again."""
