"""Label Studio: pre-annotations as prompts, and an ML backend that answers clicks and boxes with brush masks.

``LabelStudioBoxes`` needs nothing; ``SampipeBackend`` is in ``sampipe_integrations.label_studio.backend`` and needs
label-studio-ml, the results need ``sampipe[label_studio]``.
"""

from __future__ import annotations

from sampipe_integrations.label_studio.results import brush_results
from sampipe_integrations.label_studio.tasks import LabelStudioBoxes, prompts_from_results

__all__ = ["LabelStudioBoxes", "brush_results", "prompts_from_results"]
