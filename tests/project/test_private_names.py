"""Tests use the public names of the product; the private names that they may use are listed here."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.project.test_architecture import own_layer, tracked

PRIVATE = re.compile(r"_[a-z]\w*")
# Do not add to this list: use a public name. Remove a name that no test uses any more.
ALLOWED = {name for names in (
    # To watch or break the statements of a storage, and the reads and writes of its file.
    "_autocommit _content _engine _file _insert _journal _memory _read_all _sent _session _streamed _translated",
    # To interrupt a conversion, or the storing of an answer, at a certain moment.
    "_compare _store _write_converted _has_foreign_keys _swap",
    # To inspect background threads and limits, and to replace slow parts.
    "_checks _hasher _lines _response_slots _slots _thread _writer _writing",
    # To test a part of a command without the slow rest.
    "_address _files _line _required_space _schema _scripts",
) for name in names.split()}


def defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names of functions, classes, variables and attributes that code defines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Store):
            yield node.attr if isinstance(node, ast.Attribute) else node.id


def used(tree: ast.Module) -> Iterator[str]:
    """Yield the names that code reads from objects other than `self`, imports, or passes to `setattr` or `getattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and not (isinstance(node.value, ast.Name) and node.value.id == "self"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("setattr", "getattr"):
            yield from (each.value.rpartition(".")[2] for each in node.args
                        if isinstance(each, ast.Constant) and isinstance(each.value, str))


def test_tests_use_only_the_listed_private_names():
    product = {name for path in tracked("*.py") if own_layer(path) is not None or "deploy" in path.parts[:-1]
               if "tests" not in path.parts for name in defined(ast.parse(path.read_text()))}
    found = {name for path in tracked("tests/*.py") for name in used(ast.parse(path.read_text()))
             if PRIVATE.fullmatch(name)} & product
    assert found - ALLOWED == set()
    assert ALLOWED - found == set()


def test_a_private_name_is_found_in_each_form_of_use():
    code = ("from models import _a\nmodels._b()\nself._own\n"
            "monkeypatch.setattr(models, '_c', 1)\ngetattr(x, 'models._d')")
    assert {name for name in used(ast.parse(code)) if PRIVATE.fullmatch(name)} == {"_a", "_b", "_c", "_d"}
