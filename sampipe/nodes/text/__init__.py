"""Nodes that know words: phrases to vectors, vectors to prompts, masks to names."""

from __future__ import annotations

from sampipe.nodes.text.clip_text import ClipText
from sampipe.nodes.text.dense_prompts import DensePrompts
from sampipe.nodes.text.label_masks import LabelMasks
from sampipe.nodes.text.rank_by_text import RankByText
from sampipe.nodes.text.segment_text import SegmentText
from sampipe.nodes.text.text_prompts import TextPrompts

__all__ = ["ClipText", "DensePrompts", "LabelMasks", "RankByText", "SegmentText", "TextPrompts"]
