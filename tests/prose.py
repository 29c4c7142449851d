"""Check of prose: phrases that are hard to read, in documents, docstrings, comments, messages, pages and test names.

`python -m tests.prose` lists each one with its file and line, and ends with status 1 if there are any.
A phrase that must stay, such as a quoted message, is listed in ALLOWED.
"""
from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Each phrase with what to write instead.
BANNED = {
    r"\bwho(ever|m|mever)?\b": "name the person: the client, the user, the operator, the caller",
    r"\b(no|some)body\b": "name the person, or use the passive: no client, another process, is not shown",
    r"\bwhat there is\b": "name the things",
    r"\b(is|are|was|were) gone\b": "was removed, was closed, does not exist",
    r"\b(it|this|that|which) (is|was) no (?!longer|more\b|better|use\b)": "is not a …",
    r"\b(it|this|that|there|they) (is|are|was) none\b": "say what is missing: there is no token",
    r"\b(become|becomes|made|make|makes|are|is) ours\b": "convert, belongs to HBNB",
    r"\bstands? (there )?twice\b": "occurs twice",
    r"\bcame of\b": "the result of",
    r"\bas good as\b": "is treated like",
    r"\bso many at a time\b": "in batches",
    r"\bfor ever\b": "forever",
    r"\bat odds\b": "name the conflict",
    r"\bwhere (it|that|this|they|none) (is|are) (none|not)\b": "if …",
}
# A module's docstring says what the module is, not "What …".
RIDDLE = re.compile(r"(What|How|Who|Whose|Which|Where|Why)\b")
ALLOWED: dict[str, tuple[str, ...]] = {
    "tests/prose.py": tuple(BANNED),
    "tests/project/test_prose.py": tuple(BANNED),
}
SOURCES = ("*.py", "*.md", "*.html", "*.js", "*.sh", "*.css", "*.sql", "Makefile", "tests/install", ".ci/run")
# From Python 3.12 on, an f-string has tokens of its own.
PROSE_TOKENS = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
PATTERNS = {re.compile(pattern, re.IGNORECASE): hint for pattern, hint in BANNED.items()}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file by line: comments, strings and names of tests of Python, and all of other files."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(source.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in PROSE_TOKENS:
            for number, line in enumerate(token.string.splitlines()):
                yield token.start[0] + number, line
        elif token.type == tokenize.NAME and token.string.startswith("test_"):
            yield token.start[0], token.string.replace("_", " ")


def complaints(path: Path) -> Iterator[str]:
    """Yield a line for each banned phrase in a file."""
    name = path.relative_to(ROOT).as_posix()
    for number, text in texts(path):
        for pattern, hint in PATTERNS.items():
            found = pattern.search(text)
            if found and pattern.pattern not in ALLOWED.get(name, ()):
                yield f"{name}:{number}: “{found[0]}” in “{text.strip()[:100]}”: {hint}"
    if path.suffix == ".py":
        first = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        if RIDDLE.match(first):
            yield f"{name}:1: “{first.partition(chr(10))[0]}”: begin with what the module is"


def tracked() -> Iterator[Path]:
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *SOURCES], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            yield ROOT / name


def main() -> int:
    found = [complaint for path in tracked() for complaint in complaints(path)]
    print("\n".join(found) or "Prose: no hard phrases found")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
