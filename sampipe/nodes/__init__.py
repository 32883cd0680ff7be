"""The nodes that come with sampipe: prompts, Segment Anything, selection, cleaning, export, drawing."""

from __future__ import annotations

from sampipe.nodes.masks.background import BlurBackground, Pixelate, ReplaceBackground
from sampipe.nodes.masks.clean import CleanMasks
from sampipe.nodes.masks.edges import MaskEdges, SaveEdges, ThinEdges
from sampipe.nodes.masks.overlaps import MergeMasks, ResolveOverlaps
from sampipe.nodes.masks.select import FilterMasks, LargestMasks, MaskNMS, SelectCandidate
from sampipe.nodes.masks.visualize import Annotate
from sampipe.nodes.prompts.gaze import Gaze
from sampipe.nodes.prompts.mask_prompts import MaskPrompts
from sampipe.nodes.prompts.nano_detector import NanoDetector
from sampipe.nodes.prompts.objects import ObjectPrompts
from sampipe.nodes.prompts.points_and_boxes import Boxes, PointGrid, Points
from sampipe.nodes.save import (
    SaveCoco,
    SaveCutouts,
    SaveCvat,
    SaveGeoJson,
    SaveLabelMe,
    SaveLabelStudio,
    SaveMasks,
    SaveOverlay,
    SavePng,
    SaveSvg,
    SaveVoc,
    SaveYolo,
)
from sampipe.nodes.segment.add_clicks import AddClicks
from sampipe.nodes.segment.everything import SegmentEverything
from sampipe.nodes.segment.segment import DecodeMasks, EncodeImage, Refine, Segment
from sampipe.nodes.segment.tiled import Tiled
from sampipe.nodes.text import ClipText, DensePrompts, LabelMasks, RankByText, SegmentText, TextPrompts
from sampipe.nodes.text.similar import SimilarPrompts
from sampipe.nodes.video.follow import Follow
from sampipe.nodes.video.track import Track

__all__ = [
    "AddClicks",
    "Annotate",
    "BlurBackground",
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
    "NanoDetector",
    "ObjectPrompts",
    "Pixelate",
    "PointGrid",
    "Points",
    "RankByText",
    "Refine",
    "ReplaceBackground",
    "ResolveOverlaps",
    "SaveCoco",
    "SaveCutouts",
    "SaveCvat",
    "SaveEdges",
    "SaveGeoJson",
    "SaveLabelMe",
    "SaveLabelStudio",
    "SaveMasks",
    "SaveOverlay",
    "SavePng",
    "SaveSvg",
    "SaveVoc",
    "SaveYolo",
    "Segment",
    "SegmentEverything",
    "SegmentText",
    "SelectCandidate",
    "SimilarPrompts",
    "TextPrompts",
    "ThinEdges",
    "Tiled",
    "Track",
]
