"""Command-line options of `console.py`."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Any

from cli import lexer
from config import version
from errors import Invalid
from services.schema import NULL

DESCRIPTION = """Runs HBNB's console commands. Without options or a command, it reads commands from standard input."""
EPILOG = """\
examples:
  console.py -c 'count State' -c 'all State --table'
  console.py --stop-on-error -f commands.txt
  console.py import listings.csv.gz --state "New York" --city Albany

exit status: 0 if all went well; 1 if a command of -c, -f or the command line failed, or if
--stop-on-error stopped; 2 if the options are invalid."""


def run_with_options(console: Any, run: Callable[..., bool], arguments: list[str]) -> int:
    """Run the commands of the command line. Returns: the exit status."""
    parser = argparse.ArgumentParser(prog="console.py", description=DESCRIPTION, epilog=EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", dest="commands", metavar="COMMAND", action="append", default=[],
                        help="run this command; can be repeated")
    parser.add_argument("-f", dest="file", metavar="FILE",
                        help="run the commands of this file, one per line; lines that begin with # are skipped")
    parser.add_argument("--version", action="version", help="print the version and exit",
                        version=version())
    parser.add_argument("--stop-on-error", action="store_true", help="stop at the first command that fails")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="a command with its arguments")
    options = parser.parse_args(arguments)
    lines = _lines(parser, options)
    return 0 if run(console, lines, options.stop_on_error) else 1


def _lines(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[str]:
    if options.file is not None:
        from services.transfer.atomic_files import lines
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


def _line(command: str, *words: str) -> str:
    """A console line from a command line's words, which the shell has unquoted."""
    quote = {"create": _parameter, "find": _condition, "count": _condition, "update": _value}.get(command, _word)
    return " ".join([command, *map(quote, words)])


def _condition(text: str) -> str:
    """Like `_parameter`, but does not quote `null`."""
    found = lexer.condition(text)
    return text if found and found[2] == NULL else _parameter(text)


def _parameter(text: str) -> str:
    """`name=New York` becomes `name="New York"`. Numbers and quoted values stay unchanged."""
    found = lexer.condition(text)
    if not found or text != "".join(found):
        return _value(text)
    is_text = lexer.number(found[2]) is None and not found[2].startswith(('"', "'"))
    return f"{found[0]}{found[1]}{lexer.quoted(found[2])}" if is_text else text


def _value(text: str) -> str:
    """Like `_word`, but an unclosed quote stays unchanged, so that the command reports it."""
    return text if lexer.is_open(text) else _word(text)


def _word(text: str) -> str:
    return text if lexer.split(text) == [text] and not lexer.is_open(text) else lexer.quoted(text)
