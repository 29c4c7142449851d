"""Conversion of imported texts: removal of HTML, and shortening."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transfer.text import printable, short_repr, strip_html, truncate

WORDS = st.text(st.characters(exclude_characters="<&", exclude_categories=("Cc", "Cs")), min_size=1)
TAGS = st.sampled_from(["<b>", "</b>", "<i class='x'>", "<br>", "<br />", "<BR/>", "<p>", "</p>", "</div>",
                        "<a href=x>", "<span\nid=y>", "<script>alert(1)</script>", "<!-- note -->",
                        "<img src=x onerror=alert(1)>"])


class TestStripHTML:
    @pytest.mark.parametrize("tag", ["<br>", "<br/>", "<br />", "<BR />", "<Br  / >", "</br>", '<br class="x">',
                                     "</p>", "</div>", "</li>", "</h2>", "</tr>", "<p>", "<li>", "<div class=x>",
                                     "<hr>"])
    def test_a_line_break_tag_becomes_a_line_break(self, tag):
        assert strip_html(f"First.{tag}Second.") == "First.\nSecond."

    @pytest.mark.parametrize(("html", "text"), [
        ("First.<br />\nSecond.", "First.\nSecond."), ("First.<br />\r\nSecond.", "First.\nSecond."),
        ("First.<br /><br />Second.", "First.\n\nSecond."), ("<p>First.</p><p>Second.</p>", "First.\nSecond."),
        ("<div><p>First.</p></div>\n<div>Second.</div>", "First.\n\nSecond."),
        ("Bold <b>First.</b><p>Second.", "Bold First.\nSecond."), ("<ul><li>One</li> <li>Two</li></ul>", "One\nTwo")])
    def test_adjacent_line_break_tags_become_one_line_break(self, html, text):
        assert strip_html(html) == text

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_breaks_are_normalized(self, end):
        assert strip_html(f"First.{end}{end}Second.\tThird.") == "First.\n\nSecond.\tThird."

    @pytest.mark.parametrize("html", [
        "<b>The</b> space", "<B>The</B> space", "The <i>space</i>", '<a href="https://x.example/?a=1">The</a> space',
        "<script>alert('x')</script>The space", "<style>b { color: red }</style>The space",
        "The space<script>alert(1)", "The<!-- not this --> space", "The space<!-- nor",
        "<svg onload=alert(1)>The space", "<img src=x/>The space", "<font\ncolor='red'>The</font> space",
        "<SCRIPT type=a>1</script >The space", "  The space \n"])
    def test_other_tags_are_removed(self, html):
        assert strip_html(html) == "The space"

    @pytest.mark.parametrize("text", ["I <3 it", "2<x and y>1", "a < b > c", "5 <6> 7", "<Wifi password: 123>", "<>",
                                      "<", "x</3", "Hawaiʻi 🏝️", "R&D and B&Breakfast", "a&notes b&copy", "?a=1&lt=2",
                                      "&", "&;", "&#;", "&nosuchname;", "&#99999999999;", "&#xfffffffff;"])
    def test_text_without_html_is_unchanged(self, text):
        assert strip_html(text) == text

    @pytest.mark.parametrize("rest", ["<BR", "<br /", "\n<BR /", " <B", "<br ", ".<a href='http://x", " </p",
                                      " <img src=x"])
    def test_an_incomplete_tag_at_the_end_is_removed(self, rest):
        assert strip_html(f"First.<br/>Second{rest}").rstrip(".") == "First.\nSecond"

    @pytest.mark.parametrize("text", ["if a<b", "2 <a and b", "so <3", "x <", "x <y", "x <bro", "1 <b>2<c"])
    def test_text_similar_to_an_incomplete_tag_is_unchanged(self, text):
        assert strip_html(text) == text.replace("<b>", "")

    @pytest.mark.parametrize(("html", "text"), [
        ("Tom &amp; Jerry", "Tom & Jerry"), ("&lt;b&gt;", "<b>"), ("&amp;lt;", "&lt;"), ("it&#39;s", "it's"),
        ("&quot;x&quot; &eacute;", '"x" é'), ("a&#x1F3E0;b", "a🏠b"), ("a&#10;b", "a\nb"), ("a&#13;b", "a\nb"),
        ("a&#0;b", "a\ufffdb"), ("a&#xD800;b", "a\ufffdb"), ("a&#1;b", "ab"), ("x&nbsp;y", "x\xa0y")])
    def test_character_references_are_decoded_once(self, html, text):
        assert strip_html(html) == text

    def test_control_characters_are_removed(self):
        assert strip_html("a\x00b\x07c\x1b[31md\x7f") == "abc[31md"

    @pytest.mark.parametrize("part", ["<script>", "<!--", "<br" + " " * 50, "<a ", "<br" + "/" * 9, "</script ", "&#",
                                      "<p>", "<b", "<", "\r", " ", "<br>\t", "</p> <p>", "<a =", "<br /"])
    @pytest.mark.timeout(60)    # quadratic time would take minutes
    def test_crafted_texts_are_converted_in_linear_time(self, part):
        assert len(strip_html(part * (300_000 // len(part)))) <= 300_000

    @given(WORDS)
    def test_a_text_without_html_is_only_stripped(self, text):
        assert strip_html(text) == text.strip()

    @given(st.lists(st.one_of(WORDS, TAGS)))
    def test_all_tags_are_removed_and_all_words_kept(self, parts):
        text = strip_html("".join(parts))
        assert "<" not in text
        assert "alert" not in text
        words = "".join(part for part in parts if not part.startswith("<"))
        assert "".join(text.split()) == "".join(words.split())

    @given(st.text())
    def test_the_result_is_always_a_valid_text(self, text):
        made = strip_html(text)
        assert made == made.strip()
        assert not any((ord(letter) < 32 and letter not in "\n\t") or ord(letter) == 127 for letter in made)


class TestTruncate:
    @pytest.mark.parametrize(("text", "length", "made"), [
        ("one two three", 13, "one two three"), ("one two three", 12, "one two…"), ("one two three", 8, "one two…"),
        ("one two three", 7, "one…"), ("one  two", 6, "one…"), ("one\ntwo\nthree", 9, "one\ntwo…"), ("", 5, ""),
        ("abcdefgh", 5, "abcd…"), ("a bcdefghijkl", 10, "a bcdefgh…"), ("東京の静かな宿です", 5, "東京の静…"),
        ("ab", 1, "…")])
    def test_a_text_is_shortened_at_a_word_boundary(self, text, length, made):
        assert truncate(text, length) == made

    @given(st.text(), st.integers(1, 60))
    def test_a_shortened_text_is_never_too_long(self, text, length):
        assert len(truncate(text, length)) <= length

    @given(st.text(), st.integers(1, 60))
    def test_a_shortened_text_is_a_prefix_of_the_text(self, text, length):
        made = truncate(text, length)
        assert made == text or (made.endswith("…") and text.startswith(made[:-1]))

    @given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1), st.integers(20, 60))
    def test_no_word_is_split(self, words, length):
        made = truncate(" ".join(words), length)
        assert made.removesuffix("…").split() == words[:len(made.split())]

    @given(st.text(), st.integers(1, 60))
    def test_shortening_twice_changes_nothing(self, text, length):
        assert truncate(truncate(text, length), length) == truncate(text, length)


class TestReportTexts:
    def test_a_line_of_a_report_is_printable(self):
        assert printable("a\nb\x1b[2J\ud800\u202e") == "a\ufffdb\ufffd[2J\ufffd\ufffd"
        assert len(printable("x" * 10_000)) < 400

    @given(st.recursive(st.one_of(st.none(), st.text(), st.integers(), st.floats()), st.lists, max_leaves=50))
    def test_a_long_value_is_abbreviated(self, value):
        assert len(short_repr(value)) < 500

    def test_a_short_text_is_shown_completely_in_quotes(self):
        assert short_repr("5.4E+17") == "'5.4E+17'"
