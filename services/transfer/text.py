"""Conversion of texts from other programs: removes HTML, shortens, and formats them for messages."""
from __future__ import annotations

import html
import re
import reprlib
from typing import Any

LONGEST = 300   # characters in a line of a report

# Tags are matched by name, so that "2<x and y>1" and "I <3 it" stay unchanged. All patterns take linear time, so that
# no crafted text is slow.
_BLOCKS = "address|article|blockquote|center|dd|div|dl|dt|form|h[1-6]|hr|li|ol|p|pre|section|table|tr|ul"
_INLINE = ("a|abbr|audio|b|big|body|button|code|em|embed|font|footer|head|header|html|i|iframe|img|input|ins|label|"
           "link|mark|meta|nobr|object|option|s|script|select|small|source|span|strike|strong|style|sub|sup|svg|"
           "tbody|td|textarea|tfoot|th|thead|title|tt|u|video|wbr")
_INSIDE = r"(?:\s[^<>]*|/)?>"
_HIDDEN = re.compile(rf"<!--.*?(?:-->|\Z)|<(script|style){_INSIDE}.*?(?:</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# The start or end of a block becomes a line break; several in a row become one.
_BREAKS = re.compile(rf"(?:</?br|</(?:{_BLOCKS})|(?<=[^\n])<(?:{_BLOCKS})){_INSIDE}"
                     rf"[ \t]*\r?\n?(?:[ \t]*<(?:{_BLOCKS}){_INSIDE})*", re.IGNORECASE)
_TAGS = re.compile(rf"</?(?:{_BLOCKS}|{_INLINE}){_INSIDE}", re.IGNORECASE)
# The rest of a tag at the end of a text that was cut off; "a<b" at the end is not a tag.
_HALF_TAG = re.compile(rf"(?:<br[\s/]*|(?<!\w)</?(?:{_BLOCKS}|{_INLINE})(?:\s[^<>]*=[^<>]*|\s*/)?)\Z", re.IGNORECASE)
# Only with a semicolon: "B&Breakfast&notes" has no character references.
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[\da-f]{1,6}|[a-z]\w{1,31});", re.IGNORECASE | re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def strip_html(text: str) -> str:
    """Convert HTML to plain text: replaces line-break tags, removes other tags, and decodes character references."""
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


def truncate(text: str, length: int) -> str:
    """Shorten a text to at most `length` characters, at a word boundary unless that removes more than half of it."""
    if len(text) <= length:
        return text
    head = text[:length - 1]
    if not text[length - 1].isspace():
        words = re.match(r"(?s)(.*\S)\s", head)
        head = words[1] if words and len(words[1]) >= length // 2 else head
    return f"{head.rstrip()}…"


def short_repr(value: Any) -> str:
    """The representation of a value for a message, abbreviated if it is long or deeply nested."""
    return printable(_short.repr(value))


def printable(text: str) -> str:
    """A text for one line of a report: replaces characters that are not printable, and limits its length."""
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:LONGEST])
    return text if len(text) < LONGEST else f"{text}…"


_short = reprlib.Repr()
_short.maxstring, _short.maxlevel = 60, 2
