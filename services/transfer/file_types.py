"""What a file is that cannot be read as it is, told from its first bytes or its heading, and what to do with it."""
from __future__ import annotations

import re
from collections.abc import Iterable, Set

LISTINGS = {"id", "name", "host_id", "latitude", "longitude"}
REVIEWS = {"listing_id", "id", "date", "reviewer_id", "comments"}
CALENDAR = {"listing_id", "date", "available"}
SUMMARY = {"listing_id", "date"}

_UNPACK = "unpack it first; of compressed files, only those of gzip are read"
_STARTS = {
    b"\xff\xfe": "it is UTF-16: save it as UTF-8", b"\xfe\xff": "it is UTF-16: save it as UTF-8",
    b"\xd0\xcf\x11\xe0": "it is an old Excel workbook: save its sheet as CSV, in UTF-8",
    b"BZh": f"it is compressed by bzip2: {_UNPACK}", b"\xfd7zXZ": f"it is compressed by xz: {_UNPACK}",
    b"\x28\xb5\x2f\xfd": f"it is compressed by zstd: {_UNPACK}", b"7z\xbc\xaf": f"it is a 7z archive: {_UNPACK}",
    b"SQLite format 3": "it is a SQLite database, which HBNB does not read", b"%PDF": "it is a PDF document",
    b"PAR1": "it is a Parquet file: save it as CSV, in UTF-8",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}


def binary(start: bytes) -> str | None:
    """What is wrong with a file that begins so, if it is no text in UTF-8; none if it may be one."""
    if start.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in start or b"xl/" in start:
            return "it is an Excel workbook: save its sheet as CSV, in UTF-8"
        if b"opendocument.spreadsheet" in start:
            return "it is an OpenDocument workbook: save its sheet as CSV, in UTF-8"
        return "it is a zip archive: unpack it, and take the file that it holds"
    if start[257:262] == b"ustar":
        return "it is a tar archive: unpack it, and take the file that it holds"
    if len(start) >= 4 and (start[0] == start[2] == 0 or start[1] == start[3] == 0) and any(start[:4]):
        return "it is UTF-16: save it as UTF-8"
    if re.match(rb"(?:\xef\xbb\xbf)?\s*<(?:!|\?xml|html)", start, re.IGNORECASE):
        return "it is a web page or XML, perhaps an error message of the site that it was loaded from"
    return next((said for magic, said in _STARTS.items() if start.startswith(magic)), None)


def column(name: str) -> str:
    """The name of a column, however it is written: `Host ID` is `host_id`."""
    return re.sub(r"[\s_-]+", "_", name.strip().casefold())


def repeated(heading: Iterable[str]) -> str | None:
    """The first column that stands in a heading twice."""
    seen: set[str] = set()
    for name in heading:
        if name and name in seen:
            return name
        seen.add(name)
    return None


def separated(line: str) -> str | None:
    """What is wrong with a heading whose cells are not separated by commas."""
    known = LISTINGS | REVIEWS | CALENDAR

    def count(separator: str) -> int:
        return len(known & {column(cell.strip(' \r\n"')) for cell in line.split(separator)})
    most = max(_SEPARATORS, key=count)
    if count(most) < 2 or count(most) <= count(","):
        return None
    return f"its cells are separated by {_SEPARATORS[most]}: save it with commas between them"


def foreign(heading: Set[str]) -> str:
    """What is wrong with a CSV file that holds neither listings nor reviews."""
    if not heading:
        return "it is empty"
    if heading >= CALENDAR:
        return "it is a calendar, which HBNB does not keep: import the files of listings and of reviews"
    if heading == SUMMARY:
        return "it is the summary of reviews, which has no texts: import the detailed reviews of the same city"
    if column("__class__") in heading:
        return "it was printed by --csv, which leaves things out: import what `export` wrote"
    missing = min(LISTINGS - heading, REVIEWS - heading, key=len)
    return f"it holds neither listings, reviews nor JSON: it lacks the columns {', '.join(sorted(missing))}"
