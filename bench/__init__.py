"""How fast HBNB is, each figure beside its limit, measured in the same run: `python -m bench [GROUP ...]`.

A group is a module with `rows(folder)`, which gives its figures and may leave behind what it likes
in the folder. The stores of whoever runs it are not touched.
"""
from __future__ import annotations

import os

# Before `models` is imported, which opens the store that the environment names.
for _name in [name for name in os.environ if name.startswith("HBNB_")]:
    del os.environ[_name]
os.environ["HBNB_FILE_PATH"] = "/nonexistent/file.json"
