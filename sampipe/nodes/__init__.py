"""The nodes that come with sampipe: prompts, Segment Anything, selection, cleaning, export, drawing."""

from __future__ import annotations

from sampipe.nodes.clean import CleanMasks
from sampipe.nodes.edges import MaskEdges, SaveEdges, ThinEdges
from sampipe.nodes.everything import SegmentEverything
from sampipe.nodes.export import (
    SaveCoco,
    SaveCutouts,
    SaveCvat,
    SaveGeoJson,
    SaveLabelMe,
    SaveLabelStudio,
    SaveOverlay,
    SavePng,
    SaveSvg,
    SaveVoc,
    SaveYolo,
)
from sampipe.nodes.follow import Follow
from sampipe.nodes.gaze import Gaze
from sampipe.nodes.mask_prompts import MaskPrompts
from sampipe.nodes.overlaps import MergeMasks, ResolveOverlaps
from sampipe.nodes.prompts import Boxes, PointGrid, Points
from sampipe.nodes.segment import DecodeMasks, EncodeImage, Refine, Segment
from sampipe.nodes.select import FilterMasks, LargestMasks, MaskNMS, SelectCandidate
from sampipe.nodes.similar import SimilarPrompts
from sampipe.nodes.text import ClipText, DensePrompts, LabelMasks, RankByText, TextPrompts
from sampipe.nodes.tiled import Tiled
from sampipe.nodes.track import Track
from sampipe.nodes.visualize import Annotate

__all__ = [
    "Annotate",
    "Boxes",
    "CleanMasks",
    "ClipText",
    "DecodeMasks",
    "DensePrompts",
    "EncodeImage",
    "FilterMasks",
    "Follow",
    "Gaze",
    "LabelMasks",
    "LargestMasks",
    "MaskEdges",
    "MaskNMS",
    "MaskPrompts",
    "MergeMasks",
    "PointGrid",
    "Points",
    "RankByText",
    "Refine",
    "ResolveOverlaps",
    "SaveCoco",
    "SaveCutouts",
    "SaveCvat",
    "SaveEdges",
    "SaveGeoJson",
    "SaveLabelMe",
    "SaveLabelStudio",
    "SaveOverlay",
    "SavePng",
    "SaveSvg",
    "SaveVoc",
    "SaveYolo",
    "Segment",
    "SegmentEverything",
    "SelectCandidate",
    "SimilarPrompts",
    "TextPrompts",
    "ThinEdges",
    "Tiled",
    "Track",
]
