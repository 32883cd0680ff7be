"""Graphs of nodes: how they are written, checked, saved and drawn. What runs them is ``sampipe.engine``."""

from sampipe.graph.node import Node as Node
from sampipe.graph.registry import register as register
from sampipe.graph.requirement import Requirement as Requirement
from sampipe.graph.resource import resource as resource

__all__ = ["Node", "Requirement", "register", "resource"]
