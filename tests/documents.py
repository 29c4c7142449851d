"""Code blocks of the documentation that tests run or compare."""
from __future__ import annotations

import re
import textwrap

from tests.processes import ROOT


def block(page: str, name: str) -> str:
    """Return the code block that follows the mark `<!-- tests: NAME -->` on a page of docs/."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^<!-- tests: {re.escape(name)} -->\n\n((?:    .*\n|\n(?=    ))+)", text, re.M)
    assert found, f"docs/{page} has no block {name}"
    return textwrap.dedent(found[1])
