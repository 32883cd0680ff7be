"""Limits that several nodes' parameters have in common; see :mod:`sampipe.graph.fields`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Fraction = Annotated[float, Field(ge=0, le=1)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
"""At least one."""
Number = Annotated[int, Field(ge=0)]
"""None, or more."""
TileOverlap = Annotated[float, Field(ge=0, le=0.9)]

Name = Annotated[str, Field(pattern=r"\S", description="a name")]
Device = Annotated[str, Field(pattern=r"\S", description="a device such as 'auto', 'cpu' or 'cuda'")]
Folder = Annotated[str, Field(pattern=r"\S", description="the path of a folder")]
FilePath = Annotated[str, Field(pattern=r"\S", description="the path of a file")]
GraphText = Annotated[str, Field(pattern=r"\S", description="the YAML text of a graph, or the path of its file")]
SamName = Annotated[
    str, Field(pattern=r"\S", description="a model's name such as 'nano' or 'vit_b', or a checkpoint file")
]
ClipName = Annotated[str, Field(pattern=r"\S", description="'words', 'nano' or a CLIP model such as 'ViT-B-32/openai'")]
