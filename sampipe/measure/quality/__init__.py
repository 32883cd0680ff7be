"""Measuring: each task of ``sampipe eval`` is a module that makes an Evaluation of a model on data."""
