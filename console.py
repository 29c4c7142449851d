#!/usr/bin/env python3
"""The console: a command interpreter that creates, shows, searches, changes and removes objects."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from config import Settings, version

if __name__ == "__main__" and sys.argv[1:] == ["--version"]:    # the imports below need valid settings
    print(version())
    sys.exit()

import models
from cli import escaping, formatting, lexer
from cli.accounts import AccountCommands
from cli.conditions import parse_clauses, take_conditions
from cli.interpreter import AMENITY_IDS, ClassicError, attributes
from errors import Invalid, meant
from services.actor import OPERATOR


class HBNBCommand(AccountCommands):
    """The console with all of its commands. The docstring of a command is its help."""

    # The classic commands

    def do_create(self, line: str) -> None:
        """Create an object, and print its id.

        create CLASS [NAME=VALUE ...]

        Write text in double quotes, with _ for a space: "New_York" is stored as New York. In quotes, write \\_ for an
        underscore, \\" for a double quote, \\\\ for a backslash, \\n for a line break and \\t for a tab. A parameter
        that is neither text nor a number is skipped.

            create State name="New_York"
            create Place name="Loft" max_guest=2 price_by_night=120 latitude=42.65
        """
        words = lexer.split(line)
        cls = self._class(words)
        values: dict[str, Any] = {}
        for word in words[1:]:
            parameter = lexer.parameter(word)
            if parameter is None:
                shown = word if lexer.public(line) == line else "A parameter"
                self.note(f'{shown} was skipped: write NAME="text", NAME=12 or NAME=1.5')
            elif not self._add_value(cls, values, *parameter):
                name, known = parameter[0], attributes(cls)
                reason = "set it with update" if name in known else f"{cls.__name__} has no such attribute"
                self.note(f"{name} was skipped: {reason}{'' if name in known else meant(name, known)}")
        print(self._service(cls).add(OPERATOR, values).id)

    def do_show(self, line: str) -> None:
        """Print an object.

        show CLASS ID [--table | --json | --csv]

            show State 421a55f4-7d82-47d9-b54c-a76916479545
            State.show("421a55f4-7d82-47d9-b54c-a76916479545")
        """
        words = lexer.split(line)
        output_format = formatting.take_format(words)
        obj = self._object(words)
        self._note_ignored(line, words[2:])
        formatting.show([obj.to_dict()], output_format) if output_format else print(obj)

    def do_destroy(self, line: str) -> None:
        """Remove an object, and all objects that belong to it.

        destroy CLASS ID

            destroy City 521a55f4-7d82-47d9-b54c-a76916479545
        """
        words = lexer.split(line)
        obj = self._object(words)
        self._note_ignored(line, words[2:])
        if not self.interactive or self._confirms_removal(obj):
            self._service(type(obj)).remove(OPERATOR, obj)

    def do_all(self, line: str) -> None:
        """Print all objects, or all objects of a class, oldest first.

        all [CLASS] [--table | --json | --csv]

            all
            all State --table
            City.all()
        """
        words = lexer.split(line)
        output_format = formatting.take_format(words)
        cls = self._class(words) if words else None
        self._note_ignored(line, words[1:], ": to filter, use find")
        found = models.storage.all(cls).values()
        if not output_format:
            print([str(obj) for obj in found])
            return
        formatting.show([obj.to_dict() for obj in found], output_format)
        formatting.print_count(output_format, cls, len(found))

    def do_count(self, line: str) -> None:
        """Print the number of objects of a class, or of those that meet all conditions.

        count CLASS [CONDITION ...]
        count --table | --json | --csv

        Conditions are written as in find. The second form prints the number for each class, and the total.

            count Place
            Place.count()
            count Place price_by_night < 100 city.state="Alderland"
            count --table
        """
        words = lexer.split(line)
        output_format = formatting.take_format(words)
        if output_format and not words:
            counts = {name: self._service(cls).count(OPERATOR) for name, cls in models.classes.items()}
            counts["total"] = sum(counts.values())
            formatting.show([{"class": name, "count": count} for name, count in counts.items()], output_format)
            return
        cls, filters = self._class(words), take_conditions(rest := words[1:])
        if surplus := [word for word in (*rest, output_format) if word]:
            raise Invalid(f"{surplus[0]} is not a condition: see help count")
        print(self._service(cls).count(OPERATOR, filters))
        if filters:
            formatting.print_info(f"of {formatting.counted(self._service(cls).count(OPERATOR), cls.__name__).lower()}")

    def do_update(self, line: str) -> None:
        """Set an attribute of an object.

        update CLASS ID NAME VALUE

        Write text with spaces in double or single quotes. A text that begins with a quote must end with the same quote.
        In quotes, write \\" for a double quote, \\' for a single quote, \\\\ for a backslash, \\n for a line break and
        \\t for a tab.

        To remove the value of an optional attribute (description, price_by_night, latitude or longitude of a place),
        write null without quotes. A list of ids as amenity_ids replaces the amenities of a place.

            update State 421a55f4-7d82-47d9-b54c-a76916479545 name "New name"
            update Place 621a55f4-7d82-47d9-b54c-a76916479545 price_by_night null
            State.update("421a55f4-7d82-47d9-b54c-a76916479545", {"name": "New name"})
            update Place 621a55f4-7d82-47d9-b54c-a76916479545 amenity_ids ["721a55f4-7d82-47d9-b54c-a76916479545"]
        """
        words = lexer.split(line)
        obj = self._object(words)
        if len(words) < 3:
            raise ClassicError("** attribute name missing **")
        if len(words) < 4:
            raise ClassicError("** value missing **")
        name, value = lexer.value(words[2]), lexer.value(words[3])
        rest = words[4:]
        if name == AMENITY_IDS and value.startswith("["):    # the list may contain spaces
            value, rest = " ".join([value, *map(lexer.bare, rest)]), []
        self._update(obj, {name: value})
        self._note_ignored(line, rest, ": write text with spaces in quotes")

    # HBNB's own commands

    def do_find(self, line: str) -> None:
        """Print the objects of a class that meet all conditions.

        find CLASS [CONDITION ...] [sort [-]NAME ...] [columns NAME,...] [limit NUMBER] [--table | --json | --csv]

        A condition is a NAME, one of = != < <= > >= ~ (contains), and a value, with or without spaces between them.
        Write text with spaces in quotes. A text that begins with a quote must end with the same quote. After = or !=,
        null without quotes means no value: price_by_night=null finds the places with an unknown price. NAME is an
        attribute, a related object such as city (this compares its name), or an attribute of a related object such as
        city.state. With sort -NAME, the highest values come first. Without columns, a table shows as many as fit.

            find Place price_by_night<120 max_guest>=4 city="Amber Falls" sort -price_by_night limit 20
            find Place amenities = Wifi city.state = "Alderland" columns name,price_by_night,city.name
            find Place price_by_night!=null sort price_by_night limit 5
            find User email~hbnb.example --json
        """
        words = lexer.split(line)
        output_format = formatting.take_format(words)
        cls, filters = self._class(words), take_conditions(rest := words[1:])
        clauses = parse_clauses(rest)
        if clauses.columns:
            output_format = output_format or "--table"
            found = self._service(cls).table(OPERATOR, clauses.columns, filters, clauses.sort, clauses.limit)
        else:
            found = self._service(cls).list(OPERATOR, filters, clauses.sort, clauses.limit)
        if not output_format:
            print([str(cls(**obj)) for obj in found])
            return
        kept = [*clauses.columns, *(name.removeprefix("-") for name in clauses.sort), *(each.path for each in filters)]
        formatting.show(found, output_format, kept)
        is_cut = clauses.limit is not None and len(found) == clauses.limit
        total = self._service(cls).count(OPERATOR, filters) if is_cut else 0
        formatting.print_count(output_format, cls, len(found), total)


def run(console: HBNBCommand, lines: Iterable[str], stop_on_error: bool = False) -> bool:
    """Run commands one after the other, until one of them quits.

    Returns: whether all commands succeeded.
    """
    succeeded = True
    for line in lines:
        ended = console.onecmd(line.rstrip("\n"))
        if sys.stdout is not None:
            sys.stdout.flush()
        succeeded = succeeded and not console.failed
        if ended or (stop_on_error and not succeeded):
            break
    return succeeded


def interact(console: HBNBCommand) -> None:
    """Run the interactive console at a terminal."""
    from cli import terminal
    console.interactive = True
    with terminal.history(console.settings.history):
        while True:
            try:
                console.cmdloop()
                return
            except KeyboardInterrupt:
                print()


def use_utf8() -> None:
    """Invalid UTF-8 passes through unchanged; the models check stored values. Notes can show any character."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "surrogateescape"),
                           (sys.stderr, "backslashreplace")):
        if stream is not None:      # None means that the file descriptor is closed
            stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]


def run_or_interact(console: HBNBCommand, arguments: list[str]) -> int:
    if arguments:
        from cli.options import run_with_options
        return run_with_options(console, run, arguments)
    if sys.stdin is not None and sys.stdin.isatty():
        interact(console)
    else:
        run(console, sys.stdin or ())
    return 0


def main(arguments: list[str]) -> int:
    """Run the console.

    Args:
        arguments: of the command line.
    Returns: the exit status.
    """
    use_utf8()
    escaping.guard()
    settings = Settings.from_environ()
    models.open_storage(settings)
    models.check()
    console = HBNBCommand(settings)
    try:
        return run_or_interact(console, arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader closed the pipe. Without this, Python would report the error again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:    # of the output; commands report errors of the storage themselves
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        console.note(f"The output could not be written: {error.strerror}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
