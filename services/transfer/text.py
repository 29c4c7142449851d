"""Texts as other programs keep them, made ours."""
from __future__ import annotations

import html
import re
import reprlib
from typing import Any

LONGEST = 300   # characters of a line of a report

# By name, so that "2<x and y>1" and "I <3 it" stay what they are. None of these patterns looks
# at a part of a text more than a few times, however it is made up.
_BLOCKS = "address|article|blockquote|center|dd|div|dl|dt|form|h[1-6]|hr|li|ol|p|pre|section|table|tr|ul"
_INLINE = ("a|abbr|audio|b|big|body|button|code|em|embed|font|footer|head|header|html|i|iframe|img|input|ins|label|"
           "link|mark|meta|nobr|object|option|s|script|select|small|source|span|strike|strong|style|sub|sup|svg|"
           "tbody|td|textarea|tfoot|th|thead|title|tt|u|video|wbr")
_INSIDE = r"(?:\s[^<>]*|/)?>"
_HIDDEN = re.compile(rf"<!--.*?(?:-->|\Z)|<(script|style){_INSIDE}.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# Where a block begins or ends, a line does; one, where several do.
_BREAKS = re.compile(rf"(?:</?br|</(?:{_BLOCKS})|(?<=[^\n])<(?:{_BLOCKS})){_INSIDE}"
                     rf"[ \t]*\r?\n?(?:[ \t]*<(?:{_BLOCKS}){_INSIDE})*", re.IGNORECASE)
_TAGS = re.compile(rf"</?(?:{_BLOCKS}|{_INLINE}){_INSIDE}", re.IGNORECASE)
# What is left of a tag where somebody cut the text: "a<b" at its end is none.
_HALF_TAG = re.compile(rf"(?:<br[\s/]*|(?<!\w)</?(?:{_BLOCKS}|{_INLINE})(?:\s[^<>]*=[^<>]*|\s*/)?)\Z", re.IGNORECASE)
# With their semicolon only: "B&Breakfast&notes" holds none.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});", re.IGNORECASE | re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """A text without its HTML: tags for line breaks become line breaks, others go, references are resolved."""
    if "<" in text:
        text = _TAGS.sub("", _BREAKS.sub("\n", _HIDDEN.sub("", text)))
        last = text.rfind("<")
        if last >= 0 and ">" not in text[last:] and _HALF_TAG.match(text, last):
            text = text[:last]
    if "&" in text:
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text).strip()


def cut(text: str, length: int) -> str:
    """A text of at most `length` characters, cut between two words; within one that fills half of it."""
    if len(text) <= length:
        return text
    head = text[:length - 1]
    if not text[length - 1].isspace():
        words = re.match(r"(?s)(.*\S)\s", head)
        head = words[1] if words and len(words[1]) >= length // 2 else head
    return f"{head.rstrip()}…"


def shown(value: Any) -> str:
    """A value as a message holds it: a text in quotes, and what is long or deep in short."""
    return printable(_short.repr(value))


def printable(text: str) -> str:
    """A text for one line of a report, whatever it came from."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:LONGEST])
    return text if len(text) < LONGEST else f"{text}…"


_short = reprlib.Repr()
_short.maxstring, _short.maxlevel = 60, 2
