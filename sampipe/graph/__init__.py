"""Graphs of nodes: how they are written, checked, saved and drawn. What runs them is ``sampipe.graph.run``."""

from sampipe.graph.fields import fields as fields
from sampipe.graph.graph import Graph as Graph
from sampipe.graph.node import Node as Node
from sampipe.graph.registry import register as register
from sampipe.graph.requirement import Requirement as Requirement
from sampipe.graph.resources import resource as resource
from sampipe.graph.tracer import trace as trace

__all__ = ["Graph", "Node", "Requirement", "fields", "register", "resource", "trace"]
