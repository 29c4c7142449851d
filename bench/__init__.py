"""How fast HBNB is, each figure beside its limit, measured in the same run: `python -m bench [GROUP ...]`.

A group is a module with `rows(folder)`, which gives its figures and may leave behind what it likes
in the folder. Nothing here reads HBNB's settings from the environment: each store is named by its path or address.
"""
