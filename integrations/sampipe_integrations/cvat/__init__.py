"""CVAT: functions for its SDK's auto-annotation, found by module name. Needs ``pip install cvat-sdk cvat-cli``.

``cvat-cli task auto-annotate 41 --function-module sampipe_integrations.cvat.detection -p labels=str:person,car``, and
``cvat-cli function create-native SAM --function-module sampipe_integrations.cvat.interaction`` with an agent.
"""
