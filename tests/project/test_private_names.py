"""The tests use the product as other programs do: its private names are touched in the listed cases only."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.project.test_architecture import own_layer, tracked

PRIVATE = re.compile(r"_[a-z]\w*")
# A new test asks for a public name instead; a name that is touched no more goes from these lists.
ALLOWED = {name for names in (
    # To see or break what a storage sends, and what its file reads and writes.
    "_autocommit _content _engine _file _insert _journal _memory _read_all _sent _session _streamed _translated",
    # To interrupt a conversion, or the storing of an answer, at a certain moment.
    "_compare _keep _write_converted _has_foreign_keys _swap",
    # To have each plan of a search, whatever it costs.
    "_costs _everything _grouping _page",
    # To see what a background thread or a limit holds, and to spare the tests its work.
    "_checks _hasher _lines _sending _slots _thread _writer _writing",
    # To test a part that a whole command would make slow.
    "_address _files _line _required_space _schema _scripts",
) for name in names.split()}


def defined(tree: ast.Module) -> Iterator[str]:
    """The private names that code gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Store):
            yield node.attr if isinstance(node, ast.Attribute) else node.id


def touched(tree: ast.Module) -> Iterator[str]:
    """The names that code takes from an object other than its own, imports, or names for `setattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("setattr", "getattr"):
            yield from (each.value.rpartition(".")[2] for each in node.args
                        if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_only_listed_private_names_of_the_product_are_touched():
    product = {name for path in tracked("*.py") if own_layer(path) is not None or "deploy" in path.parts[:-1]
               if "tests" not in path.parts for name in defined(ast.parse(path.read_text()))}
    found = {name for path in tracked("tests/*.py") for name in touched(ast.parse(path.read_text()))
             if PRIVATE.fullmatch(name)} & product
    assert found - ALLOWED == set()
    assert ALLOWED - found == set()


def test_a_touch_is_found_in_each_form():
    code = ("from models import _a\nmodels._b()\nself._own\n"
            "monkeypatch.setattr(models, '_c', 1)\ngetattr(x, 'models._d')")
    assert {name for name in touched(ast.parse(code)) if PRIVATE.fullmatch(name)} == {"_a", "_b", "_c", "_d"}
