"""The console's command line."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from config import VERSION
from errors import Invalid
from shell import words

DESCRIPTION = """Commands for HBNB's objects. Without options or commands it reads commands from standard input."""
EPILOG = """\
examples:
  console.py -c 'count State' -c 'all State --table'
  console.py --stop-on-error -f commands.txt
  console.py import listings.csv.gz --state "New York" --city Albany

exit status: 0; 1 if a command failed that -c, -f or the command line gave, or that --stop-on-error
stopped at; 2 if the options are wrong."""


def run_with_options(console: Any, run: Callable[..., bool], arguments: list[str]) -> int:
    """Run what the command line asks for. Returns: the exit status."""
    parser = argparse.ArgumentParser(prog="console.py", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", dest="commands", metavar="COMMAND", action="append", default=[],
                        help="run this command; may be given more than once")
    parser.add_argument("-f", dest="file", metavar="FILE",
                        help="run the commands of this file, one a line; lines that begin with # are passed over")
    parser.add_argument("--version", action="version", help="print which HBNB this is",
                        version=f"HBNB {VERSION}, release {console.settings.release}")
    parser.add_argument("--stop-on-error", action="store_true", help="end at the first command that fails")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="a command and its words")
    options = parser.parse_args(arguments)
    lines = _lines(parser, options)
    return 0 if run(console, lines, options.stop_on_error) else 1


def _lines(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[str]:
    if options.file is not None:
        from services.transfer.disk import lines
        try:
            with open(options.file, encoding="utf-8-sig", errors="surrogateescape") as file:
                options.commands += [line for line in lines(file) if not line.lstrip().startswith("#")]
        except OSError as error:
            parser.error(f"{options.file} cannot be read: {error.strerror}")
        except Invalid as error:
            parser.error(f"{options.file}: {error}")
    if options.command:
        options.commands.append(_line(*options.command))
    return iter(options.commands if options.commands or options.file is not None else sys.stdin)


def _line(command: str, *given: str) -> str:
    """The words of a shell, which took their quotes away, as a line of the console."""
    word = _parameter if command in ("create", "find", "count") else _word
    return " ".join([command, *map(word, given)])


def _parameter(text: str) -> str:
    """`name=New York` as `name="New York"`; numbers, and what has its quotes, as they are."""
    found = words.condition(text)
    if found and words.number(found[2]) is None and text == f"{found[0]}{found[1]}{found[2]}":
        return f"{found[0]}{found[1]}{words.quoted(found[2])}"
    return _word(text)


def _word(text: str) -> str:
    return text if words.split(text) == [text] else words.quoted(text)
