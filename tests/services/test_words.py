"""Words of texts and of queries."""
from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import Invalid
from services.search.words import Words, split, tokens

TEXTS = st.text(max_size=20, alphabet=st.one_of(
    st.characters(exclude_categories=("Cc", "Cs")), st.sampled_from(" -'’ʻéñ東京ก1½ﬁ★\ufe0f\u0301")))


def finds(query: str, text: str) -> bool:
    said, wanted = tokens(text), split("text", query)
    return bool(wanted) and all(
        any(way and all(any(token.startswith(part) for token in said) for part in way) for way in word)
        for word in wanted)


@pytest.mark.parametrize(("query", "text"), [
    ("hawaii", "Hawaiʻi"), ("Hawai‘i", "Hawaiʻi"), ("hawaiʻi", "Hawaii"), ("baalbek", "Baʿalbek"),
    ("☕\ufe0f", "☕"), ("☕", "☕\ufe0f"), ("❤\ufe0f", "We ❤ you"), ("½", "½ bath"), ("1/2", "½"), ("m2", "50 ㎡"),
    ("fi", "ﬁ"), ("nurnberg", "Nürnberg"), ("e\u0301", "É"), ("wifi", "Wi‑Fi"), ("_wi_", "wi"),
    ("\u200fwifi", "Wifi"), ("abc 東京", "東京abc"), ("--a--", "a"), ("rock-n-roll", "rock'n'roll")])
def test_a_query_finds_a_text_that_is_written_differently(query: str, text: str):
    assert finds(query, text)


@pytest.mark.parametrize("query", ["\u0301", "\ufe0f", "\u200f", "?", "-", "'’"])
def test_a_query_without_words_finds_nothing(query: str):
    assert split("text", query) == [[]]


@given(TEXTS)
def test_a_text_with_few_words_finds_itself(text: str):
    with suppress(Invalid):     # too many words
        assert finds(text, text) or split("text", text) in ([], [[]])


def test_the_parts_of_words_with_hyphens_are_limited_and_looked_up_once():
    assert split("text", "a-" * 500 + "a") == [[["a" * 501], ["a"]]]
    assert split("text", "東" * 500) == [[["東東"]]]
    with pytest.raises(Invalid, match="text must have at most 10 different words, not 12"):
        split("text", "a-b-c-d-e-f g-h-i-j-k l")


def test_removing_a_number_from_its_words_leaves_the_others():
    words = Words()
    for number, text in enumerate(("red house", "red barn", "house")):
        words.add(number, tokens(text))
    assert words.beginning("r") == ["red"]
    words.remove(0, tokens("red house"))
    words.remove(1, tokens("red barn"))
    assert (words.beginning(""), [*words.starting_with("h")]) == (["house"], [2])
    words.add(3, ["barn"])
    assert words.beginning("") == ["barn", "house"]
