"""The format of a JSON file of objects: reading such a file in parts, in any layout, and writing one."""
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

# Bytes that are read and parsed at once.
READ_SIZE = 512 * 1024
# The end of one object and the beginning of the next. It cannot occur inside a text, where quotes are escaped.
_BOUNDARY = re.compile(rb'\}\s*,\s*(?="[A-Za-z]\w*\.[^"\\]*"\s*:\s*\{)')
# The beginning of a file that this HBNB wrote; without it, the file is an older HBNB's and its objects are converted.
# White space has no meaning in JSON, so other programs that read or write the file need not know about this.
MARKER = b"{ \n"


def has_current_format(file: BinaryIO) -> bool:
    """Return whether the file has the current format, which needs no conversion."""
    file.seek(0)
    return file.read(len(MARKER)) == MARKER


def read(file: BinaryIO, path: str, is_current: bool) -> Generator[Objects, None, Content]:
    """Yield a file's objects by key, in parts, so that a large file does not need much memory.

    Args:
        path: the file's path, for error messages.
        is_current: whether the file has the current format, in which NaN is an error.
    Returns: at the end, the identity of the file's content.
    Raises:
        Damaged: the file is not a JSON object of objects; the message says where.
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
    # The file is damaged, or cannot be parsed in parts.
    file.seek(0)
    text = file.read()
    yield _parsed(text, path, is_current)
    return Content(len(text), zlib.crc32(text))


def write(path: str, parts: Iterator[Objects], opener: Callable[[str, int], int]) -> Content:
    """Write a file of objects, one in each line, flush it to the disk, and verify it by reading it.

    Args:
        parts: the objects by key, in parts.
        opener: the `opener` argument of `open`.
    Raises:
        Invalid: an object holds a value that JSON does not have.
        OSError: the file cannot be written, or reading it gives other bytes.
    """
    size = checksum = 0
    with open(path, "w+b", opener=opener) as file:
        def put(text: bytes) -> None:
            nonlocal size, checksum
            size, checksum = size + len(text), zlib.crc32(text, checksum)
            file.write(text)

        put(MARKER)
        for number, part in enumerate(part for part in parts if part):
            try:
                put((b",\n" if number else b"") + b",\n".join(
                    b"%b: %b" % (orjson.dumps(key), orjson.dumps(value)) for key, value in part.items()))
            except TypeError as error:
                raise Invalid(f"JSON cannot hold a value: {error}") from error
        put(b"\n}\n")
        file.flush()
        # The system sets file times in steps of milliseconds, and reuses the inodes of removed files. So the stamps of
        # two files written in quick succession could be equal without this.
        os.utime(file.fileno(), ns=(now := time.time_ns(), now))
        os.fsync(file.fileno())
        if (content := Content(size, checksum)) != _content(file):
            raise OSError(errno.EIO, "reading it back gave other bytes than were written", path)
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


def _parsed(text: bytes, path: str, is_current: bool) -> Objects:
    try:    # the standard parser says where it fails, and accepts NaN and lone surrogates, which older programs wrote
        # In the current format NaN is an error; in an older file, only the object that has it is refused.
        return _checked(json.loads(text, parse_constant=_refuse if is_current else float), path)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}: {error.msg}"
    except UnicodeDecodeError as error:
        place = f"byte {error.start} is not UTF-8"
    except RecursionError:
        place = "its values are nested too deeply"
    except ValueError as error:
        place = str(error)
    raise Damaged(f"{path} is damaged: {place}. Nothing was changed. Repair it, or restore a backup")


def _checked(parsed: Any, path: str) -> Objects:
    if isinstance(parsed, dict):
        return parsed
    raise Damaged(f"{path} is not a store: it holds a {type(parsed).__name__} instead of an object of objects. "
                  "Nothing was changed. Choose another file, or restore a backup")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}, which JSON does not allow")
