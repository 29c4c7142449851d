"""The benchmark of large markets: `python -m bench.scale` measures searches at 1,000 to 1,000,000 places.

It compares HBNB with the least that a search can cost on the same database (`limit.py`), and with a naive program.
"""
