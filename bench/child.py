"""Child process of `measure.child`. It imports nothing else, because that would add to the measured memory."""
from __future__ import annotations

import importlib
import json
import sys

if __name__ == "__main__":
    _module, _, _function = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(_module), _function)(*json.loads(sys.argv[2]))))
