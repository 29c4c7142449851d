#!/usr/bin/env python3
"""The console: HBNB's objects, by commands."""
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
from cli.conditions import clauses, conditions
from cli.interpreter import LINKS, Mistake, attributes
from cli.store import WholeStore
from errors import Invalid, meant
from services.actor import OPERATOR


class HBNBCommand(WholeStore):
    """The commands."""

    # The classic commands

    def do_create(self, line: str) -> None:
        """Make an object, and print its id.

        create CLASS [NAME=VALUE ...]

        Text stands in double quotes. In it _ is a space, \\n a line break, \\t a tab, and \\_ \\" \\\\ are the signs
        themselves. A parameter that is neither text nor a number is skipped.

            create State name="New_York"
            create Place name="Loft" max_guest=2 price_by_night=120 latitude=42.65
        """
        given = lexer.split(line)
        cls = self._class(given)
        values: dict[str, Any] = {}
        for word in given[1:]:
            parameter = lexer.parameter(word)
            if parameter is None:
                shown = word if lexer.public(line) == line else "A parameter"
                self.note(f'{shown} was skipped: write NAME="text", NAME=12 or NAME=1.5')
            elif not self._set(cls, values, *parameter):
                name, known = parameter[0], attributes(cls)
                reason = "set it by update" if name in known else f"{cls.__name__} has no such attribute"
                self.note(f"{name} was skipped: {reason}{'' if name in known else meant(name, known)}")
        print(self._service(cls).add(OPERATOR, values).id)

    def do_show(self, line: str) -> None:
        """Print an object.

        show CLASS ID [--table | --json | --csv]

            show State 421a55f4-7d82-47d9-b54c-a76916479545
            State.show("421a55f4-7d82-47d9-b54c-a76916479545")
        """
        given = lexer.split(line)
        form = formatting.take_form(given)
        obj = self._object(given)
        self._pass_over(line, given[2:])
        formatting.show([obj.to_dict()], form) if form else print(obj)

    def do_destroy(self, line: str) -> None:
        """Remove an object, and all that belongs to it.

        destroy CLASS ID

            destroy City 521a55f4-7d82-47d9-b54c-a76916479545
        """
        given = lexer.split(line)
        obj = self._object(given)
        self._pass_over(line, given[2:])
        if not self.asks or self._agrees_to_remove(obj):
            self._service(type(obj)).remove(OPERATOR, obj)

    def do_all(self, line: str) -> None:
        """Print all objects, or all of a class, oldest first.

        all [CLASS] [--table | --json | --csv]

            all
            all State --table
            City.all()
        """
        given = lexer.split(line)
        form = formatting.take_form(given)
        cls = self._class(given) if given else None
        self._pass_over(line, given[1:], ": find takes conditions, all takes none")
        found = models.storage.all(cls).values()
        if not form:
            print([str(obj) for obj in found])
            return
        formatting.show([obj.to_dict() for obj in found], form)
        formatting.tell(form, cls, len(found))

    def do_count(self, line: str) -> None:
        """Print how many objects of a class there are, or how many meet all of some conditions.

        count CLASS [CONDITION ...]
        count --table | --json | --csv

        Conditions are those of find. The second form counts the objects of each class, and all of them.

            count Place
            Place.count()
            count Place price_by_night < 100 city.state="Alderland"
            count --table
        """
        given = lexer.split(line)
        form = formatting.take_form(given)
        if form and not given:
            counts = {name: self._service(cls).count(OPERATOR) for name, cls in models.classes.items()}
            counts["total"] = sum(counts.values())
            formatting.show([{"class": name, "count": count} for name, count in counts.items()], form)
            return
        cls, filters = self._class(given), conditions(rest := given[1:])
        if unread := [each for each in (*rest, form) if each]:
            raise Invalid(f"{unread[0]} is no condition: see help count")
        print(self._service(cls).count(OPERATOR, filters))
        if filters:
            formatting.say(f"of {formatting.counted(self._service(cls).count(OPERATOR), cls.__name__).lower()}")

    def do_update(self, line: str) -> None:
        """Set an attribute of an object.

        update CLASS ID NAME VALUE

        Text with spaces stands in quotes, double or single. In quotes \\n is a line break, \\t a tab, and \\" \\' \\\\
        are the signs themselves. A quote that begins a text must close it. null without quotes is no value, for an
        attribute that may have none: description, price_by_night, latitude and longitude of a place. amenity_ids takes
        a list of ids, which replaces the amenities of a place.

            update State 421a55f4-7d82-47d9-b54c-a76916479545 name "New name"
            update Place 621a55f4-7d82-47d9-b54c-a76916479545 price_by_night null
            State.update("421a55f4-7d82-47d9-b54c-a76916479545", {"name": "New name"})
            update Place 621a55f4-7d82-47d9-b54c-a76916479545 amenity_ids ["721a55f4-7d82-47d9-b54c-a76916479545"]
        """
        given = lexer.split(line)
        obj = self._object(given)
        if len(given) < 3:
            raise Mistake("** attribute name missing **")
        if len(given) < 4:
            raise Mistake("** value missing **")
        name, value = lexer.value(given[2]), lexer.value(given[3])
        rest = given[4:]
        if name == LINKS and value.startswith("["):     # which may have spaces between its ids
            value, rest = " ".join([value, *map(lexer.bare, rest)]), []
        self._update(obj, {name: value})
        self._pass_over(line, rest, ": put a text with spaces in quotes")

    # HBNB's own commands

    def do_find(self, line: str) -> None:
        """Print the objects of a class that meet all of some conditions.

        find CLASS [CONDITION ...] [sort [-]NAME ...] [columns NAME,...] [limit NUMBER] [--table | --json | --csv]

        A condition is NAME, one of = != < <= > >= ~ (contains), and a value; spaces may stand between them. Text with
        spaces stands in quotes; a quote that begins a text must close it. After = or !=, null without quotes is no
        value: price_by_night=null finds the places whose price is unknown. A name may be that of a related object,
        which stands for its name, or of one of its attributes. After sort, - turns the order. A table has the columns
        that are named, or as many as fit.

            find Place price_by_night<120 max_guest>=4 city="Amber Falls" sort -price_by_night limit 20
            find Place amenities = Wifi city.state = "Alderland" columns name,price_by_night,city.name
            find Place price_by_night!=null sort price_by_night limit 5
            find User email~hbnb.example --json
        """
        given = lexer.split(line)
        form = formatting.take_form(given)
        cls, filters = self._class(given), conditions(rest := given[1:])
        asked = clauses(rest)
        if asked.columns:
            form = form or "--table"
            found = self._service(cls).table(OPERATOR, asked.columns, filters, asked.sort, asked.limit)
        else:
            found = self._service(cls).list(OPERATOR, filters, asked.sort, asked.limit)
        if not form:
            print([str(cls(**obj)) for obj in found])
            return
        asked_for = [*asked.columns, *(name.removeprefix("-") for name in asked.sort), *(each.path for each in filters)]
        formatting.show(found, form, asked_for)
        is_cut = asked.limit is not None and len(found) == asked.limit
        formatting.tell(form, cls, len(found), self._service(cls).count(OPERATOR, filters) if is_cut else 0)

    def do_token(self, line: str) -> None:
        """Make, list or revoke the tokens that writing through the API takes in staging and production.

        token create NAME
        token list [--table | --json | --csv]
        token revoke NAME

        A token is printed when it is made, and never again. One that is revoked counts no longer at once.

            token create partner
            token revoke partner
        """
        from cli.tokens import run_token
        given = lexer.split(line)
        form = formatting.take_form(given)
        if said := run_token(self.settings, [lexer.value(word) for word in given], form):
            self.note(said)


def run(console: HBNBCommand, lines: Iterable[str], stop_on_error: bool = False) -> bool:
    """Run commands one after the other, until one quits.

    Returns: whether all went well.
    """
    well = True
    for line in lines:
        ended = console.onecmd(line.rstrip("\n"))
        if sys.stdout is not None:
            sys.stdout.flush()
        well = well and not console.failed
        if ended or (stop_on_error and not well):
            break
    return well


def interact(console: HBNBCommand) -> None:
    """Talk with the person at the terminal."""
    from cli import terminal
    console.asks = True
    with terminal.history(console.settings.history):
        while True:
            try:
                console.cmdloop()
                return
            except KeyboardInterrupt:
                print()


def main(arguments: list[str]) -> int:
    """Run the console.

    Args:
        arguments: those of the command line.
    Returns: the exit status.
    """
    # Whatever bytes come in go out as they are; what is to be stored is checked. A note is always possible.
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "surrogateescape"),
                           (sys.stderr, "backslashreplace")):
        if stream is not None:      # as it is where a daemon closed it
            stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]
    escaping.guard()
    settings = Settings.from_environ()
    models.open_storage(settings)
    models.check()
    console = HBNBCommand(settings)
    try:
        if arguments:
            from cli.options import run_with_options
            return run_with_options(console, run, arguments)
        if sys.stdin is not None and sys.stdin.isatty():
            interact(console)
        else:
            run(console, sys.stdin or ())
        return 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the answers has seen enough; Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:    # what the storage cannot do is told by the commands
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        console.note(f"The answer could not be written: {error.strerror}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
