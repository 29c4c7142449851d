"""How objects lie in a file of JSON: reading such a file in parts, whatever its layout, and writing one."""
from __future__ import annotations

import errno
import json
import os
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NoReturn

import orjson

from errors import Damaged, Invalid
from models.engine.file.journal import Content, Objects

# Bytes that are parsed at a time.
READ_SIZE = 512 * 1024
# Where one object ends and the next begins: no text can hold this, as its quotes would be escaped.
_BOUNDARY = re.compile(rb'\}\s*,\s*(?="[A-Za-z]\w*\.[^"\\]*"\s*:\s*\{)')
# How a file begins whose objects are ours; one without it is an older HBNB's. Blank space is nothing in JSON, so other
# programs that read or write the file need not know.
OURS = b"{ \n"


def is_ours(file: BinaryIO) -> bool:
    """Whether this HBNB wrote the file, or one since the objects are as they are."""
    file.seek(0)
    return file.read(len(OURS)) == OURS


def read(file: BinaryIO, path: str, ours: bool) -> Generator[Objects, None, Content]:
    """A file's objects, in parts, so that memory stays small however large it is.

    Args:
        path: of the file, for errors.
        ours: whether it is a file of ours, which holds no NaN.
    Returns: at the end, what tells this content from another.
    Raises:
        Damaged: it is no JSON object of objects; says where.
    """
    file.seek(0)
    content, text = Content(0, 0), b""
    while block := file.read(READ_SIZE):
        content = Content(content.size + len(block), zlib.crc32(block, content.checksum))
        text += block
        if cut := _last_boundary(text):
            try:
                part = orjson.loads(text[:cut.start()] + b"}}")
            except orjson.JSONDecodeError:
                break
            yield _checked(part, path)
            text = b"{" + text[cut.end():]
    else:
        with suppress(orjson.JSONDecodeError):
            yield _checked(orjson.loads(text), path)
            return content
    # Damaged, or of a kind that only the whole shows.
    file.seek(0)
    text = file.read()
    yield _parsed(text, path, ours)
    return Content(len(text), zlib.crc32(text))


def write(path: str, parts: Iterator[Objects], opener: Callable[[str, int], int]) -> Content:
    """Write a file of objects, an object a line, see it safely on the disk, and read it back.

    Args:
        parts: the objects by key, in parts.
        opener: opens the file, as `open` takes it.
    Raises:
        Invalid: there is a value that JSON cannot hold.
        OSError: it cannot be written, or does not read back.
    """
    size = checksum = 0
    with open(path, "w+b", opener=opener) as file:
        def put(text: bytes) -> None:
            nonlocal size, checksum
            size, checksum = size + len(text), zlib.crc32(text, checksum)
            file.write(text)

        put(OURS)
        for number, part in enumerate(part for part in parts if part):
            try:
                put((b",\n" if number else b"") + b",\n".join(
                    b"%b: %b" % (orjson.dumps(key), orjson.dumps(value)) for key, value in part.items()))
            except TypeError as error:
                raise Invalid(f"There is a value that JSON cannot hold: {error}") from error
        put(b"\n}\n")
        file.flush()
        # The system's own time moves in steps of milliseconds, and numbers of removed files are used again: two
        # files that follow each other quickly would look the same.
        os.utime(file.fileno(), ns=(now := time.time_ns(), now))
        os.fsync(file.fileno())
        if (content := Content(size, checksum)) != _content(file):
            raise OSError(errno.EIO, "what was written does not read back", path)
    return content


def _content(file: BinaryIO) -> Content:
    size = checksum = 0
    file.seek(0)
    while block := file.read(READ_SIZE):
        size, checksum = size + len(block), zlib.crc32(block, checksum)
    return Content(size, checksum)


def _last_boundary(text: bytes) -> re.Match[bytes] | None:
    for start in (max(0, len(text) - READ_SIZE // 16), 0):
        if found := deque(_BOUNDARY.finditer(text, start), maxlen=1):
            return found[0]
    return None


def _parsed(text: bytes, path: str, ours: bool) -> Objects:
    try:    # with the parser that says where it stops, and takes what older programs wrote
        # One of ours has no NaN; in another, it spoils the object that has it.
        return _checked(json.loads(text, parse_constant=_refuse if ours else float), path)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except UnicodeDecodeError as error:
        place = f"byte {error.start} is not UTF-8"
    except RecursionError:
        place = "it is nested too deeply"
    except ValueError as error:
        place = str(error)
    raise Damaged(f"{path} is damaged, {place}. Nothing was changed: mend it, or put back a copy of it")


def _checked(parsed: Any, path: str) -> Objects:
    if isinstance(parsed, dict):
        return parsed
    raise Damaged(f"{path} is no store: it holds a {type(parsed).__name__}, not an object of objects")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which is no number in JSON")
