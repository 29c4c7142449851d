"""What a document tells people to type or to write: its marked blocks."""
from __future__ import annotations

import re
import textwrap

from tests.processes import ROOT


def block(page: str, name: str) -> str:
    """The block behind the mark `<!-- tests: NAME -->` of a page in docs/."""
    text = (ROOT / "docs" / page).read_text()
    found = re.search(rf"^<!-- tests: {re.escape(name)} -->\n\n((?:    .*\n|\n(?=    ))+)", text, re.M)
    assert found, f"docs/{page} has no block {name}"
    return textwrap.dedent(found[1])
