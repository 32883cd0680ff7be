"""Others that do the same work, for ``sampipe bench`` to measure beside us; a file each, found by entry points.

A peer is made with (checkpoint in official names, model's name, device). Its public methods are the tasks it takes
part in, with the arguments that :func:`sampipe.measure.speed.inputs.inputs_of` gives.
"""
