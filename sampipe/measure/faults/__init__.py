"""Faults, counted: what ``sampipe selftest`` and the tests of reliability do, at different sizes.

A trial does something bad to sampipe in a folder of its own and reports figures.
"""

from sampipe.measure.faults.run import TRIALS, Done, run_trials
from sampipe.measure.faults.trial import FULL, QUICK, Outcome, Size, Trial

__all__ = ["FULL", "QUICK", "TRIALS", "Done", "Outcome", "Size", "Trial", "run_trials"]
