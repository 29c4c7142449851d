"""Texts as other programs keep them, made ours."""
from __future__ import annotations

import html
import re

_HIDDEN = re.compile(r"<(script|style)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr)\b\s*/?\s*>[ \t]*\n?", re.IGNORECASE)
# By name, so that "2<x and y>1" and "I <3 it" stay what they are.
_TAGS = re.compile(r"</?(?:a|abbr|b|big|blockquote|body|center|code|div|em|font|h[1-6]|head|hr|html|i|iframe|img|li|"
                   r"meta|ol|p|pre|s|script|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|tt|u|ul)"
                   r"(?:\s[^<>]*)?/?>", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """A text without its HTML: tags for line breaks become line breaks, others go, references are resolved."""
    if "<" in text:
        text = _TAGS.sub("", _BREAKS.sub("\n", _HIDDEN.sub("", text)))
    if "&" in text:
        text = html.unescape(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text).strip()


def cut(text: str, length: int) -> str:
    """A text of at most `length` characters, cut between two words where there is a place to."""
    if len(text) <= length:
        return text
    head = text[:length - 1]
    if not text[length - 1].isspace():
        words = re.match(r"(?s)(.*\S)\s", head)
        head = words[1] if words else head
    return f"{head.rstrip()}…"
