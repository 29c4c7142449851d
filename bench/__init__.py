"""Benchmarks: HBNB against a reference, measured in the same run: `python -m bench [GROUP ...]`.

A group is a module with a function `rows(folder)`, which returns its measurements and may write files into the folder.
Benchmarks ignore HBNB's settings in the environment; they name each store by its path or address.
"""
