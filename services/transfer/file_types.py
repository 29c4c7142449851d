"""Recognizes files that cannot be imported, by their first bytes or their header, and says what to do with them."""
from __future__ import annotations

import re
from collections.abc import Iterable, Set

LISTINGS = {"id", "name", "host_id", "latitude", "longitude"}
REVIEWS = {"listing_id", "id", "date", "reviewer_id", "comments"}
CALENDAR = {"listing_id", "date", "available"}
SUMMARY = {"listing_id", "date"}

_UNPACK = "decompress it first; the only compression that HBNB reads is gzip"
_STARTS = {
    b"\xff\xfe": "it is UTF-16: save it as UTF-8", b"\xfe\xff": "it is UTF-16: save it as UTF-8",
    b"\xd0\xcf\x11\xe0": "it is an old Excel workbook: save its sheet as CSV, in UTF-8",
    b"BZh": f"it is compressed by bzip2: {_UNPACK}", b"\xfd7zXZ": f"it is compressed by xz: {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"it is compressed by zstd: {_UNPACK}", b"7z\xbc\xaf": f"it is a 7z archive: {_UNPACK}",
    b"SQLite format 3": "it is a SQLite database, which HBNB does not read",
    b"%PDF": "it is a PDF document, which HBNB does not read",
    b"PAR1": "it is a Parquet file: save it as CSV, in UTF-8",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def binary(start: bytes) -> str | None:
    """The reason why a file with this beginning is not a text in UTF-8, or `None` if it may be one."""
    if start.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in start or b"xl/" in start:
            return "it is an Excel workbook: save its sheet as CSV, in UTF-8"
        if b"opendocument.spreadsheet" in start:
            return "it is an OpenDocument workbook: save its sheet as CSV, in UTF-8"
        return "it is a zip archive: unpack it, and use the file in it"
    if start[257:262] == b"ustar":
        return "it is a tar archive: unpack it, and use the file in it"
    if len(start) >= 4 and (start[0] == start[2] == 0 or start[1] == start[3] == 0) and any(start[:4]):
        return "it is UTF-16: save it as UTF-8"
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!|\?xml|html)", start, re.IGNORECASE):
        return "it is a web page or XML, perhaps an error page of the site: download the file again"
    return next((reason for magic, reason in _STARTS.items() if start.startswith(magic)), None)


def column_name(name: str) -> str:
    """The normalized name of a column: `Host ID` becomes `host_id`."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def duplicate(heading: Iterable[str]) -> str | None:
    """The first column that occurs twice in a header, or `None`."""
    seen: set[str] = set()
    for name in heading:
        if name and name in seen:
            return name
        seen.add(name)
    return None


def wrong_separator(line: str) -> str | None:
    """The reason to refuse a header whose columns are not separated by commas, or `None`."""
    known = LISTINGS | REVIEWS | CALENDAR

    def count(separator: str) -> int:
        return len(known & {column_name(cell.strip(' \r\n"')) for cell in line.split(separator)})
    most = max(_SEPARATORS, key=count)
    if count(most) < 2 or count(most) <= count(","):
        return None
    return f"its columns are separated by {_SEPARATORS[most]}: save it with commas as separators"


def unknown_columns(heading: Set[str]) -> str:
    """The reason why a CSV file with these columns has neither listings nor reviews."""
    if not heading:
        return "it is empty"
    if heading >= CALENDAR:
        return "it is a calendar, which HBNB does not use: import the files of listings and of reviews"
    if heading == SUMMARY:
        return "it is a summary of reviews without their texts: import the detailed reviews of the same city"
    if column_name("__class__") in heading:
        return "it was printed by --csv, which omits data: import a file that `export` wrote"
    missing = min(LISTINGS - heading, REVIEWS - heading, key=len)
    return f"it has neither listings, reviews nor JSON: these columns are missing: {', '.join(sorted(missing))}"
