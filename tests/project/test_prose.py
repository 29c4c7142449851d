"""The check of prose finds hard phrases in every kind of text, and nothing else."""
from __future__ import annotations

from pathlib import Path

import pytest

from tests import prose


@pytest.fixture
def complaints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prose, "ROOT", tmp_path)

    def complaints(name: str, text: str) -> list[str]:
        (tmp_path / name).write_text(text)
        return [*prose.complaints(tmp_path / name)]
    return complaints


@pytest.mark.parametrize(("name", "text"), [
    ("a.md", "The name of {} asks."),
    ("a.py", '"""A module, and {} asks."""'),
    ("a.py", "value = 1  # for {} asks"),
    ("a.py", 'message = f"refused, {} asks"'),
    ("a.html", "<p>Text for {} asks</p>"),
    ("a.js", "// for {} asks")])
@pytest.mark.parametrize("phrase", ["who", "Whoever", "somebody"])
def test_a_banned_phrase_is_found_in_each_kind_of_text(complaints, name, text, phrase):
    [found] = complaints(name, text.format(phrase))
    assert found.startswith(f"{name}:1: “{phrase}”")


def test_a_banned_phrase_is_found_in_the_name_of_a_test(complaints):
    assert complaints("test_a.py", "def test_nobody_is_shown_a_password():\n    pass\n")


@pytest.mark.parametrize("first", ["What can go wrong", "How pages are drawn", "Whose address it is"])
def test_a_docstring_of_a_module_that_begins_with_a_question_is_found(complaints, first):
    assert complaints("a.py", f'"""{first}."""')


@pytest.mark.parametrize("text", [
    '"""The user is shown no password. The server is no longer needed."""\nwho = nobody = 1\n',
    'def test_the_client_is_told():\n    """Whether it is told."""\n'])
def test_plain_text_and_names_of_variables_pass(complaints, text):
    assert complaints("a.py", text) == []
