"""How the console reads a line, and how it answers when something is wrong."""
from __future__ import annotations

import cmd
import errno
import inspect
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import models
from cli import dotted_calls, escaping, lexer
from config import Settings
from errors import HBNBError, Invalid, meant
from models.base_model import BaseModel
from models.place import Place
from services import schema
from services.actor import OPERATOR

if TYPE_CHECKING:
    from services.crud import Service

CLASSIC = ("EOF", "all", "count", "create", "destroy", "help", "quit", "show", "update")
CALLED = ("all", "count", "destroy", "show", "update")     # also as CLASS.command(…)


LINKS = "amenity_ids"       # of a place, which is no column


def attributes(cls: type[BaseModel]) -> list[str]:
    """The names that `update` takes."""
    return [*schema.writable(cls, made=True), *[LINKS] * issubclass(cls, Place)]


class Mistake(Exception):
    """One of the contract's errors, word for word.

    Args:
        message: that error.
        reason, hint: what a person is told beside it, if there is a hint.
    """

    def __init__(self, message: str, reason: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.note = hint and f"{reason}{hint}"


class Interpreter(cmd.Cmd):
    """Reads commands. Each is a transaction of its own; an error ends the command, never the session.

    Args:
        settings: by default those of the environment.
    """

    prompt = "(hbnb) "

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings.from_environ()
        self.failed = False     # whether the last command did
        self.asks = False       # whether somebody is there to be asked

    def do_quit(self, _: str) -> bool:
        """Quit the console.

        quit
        """
        return True

    def do_exit(self, _: str) -> bool:
        """Quit the console, as quit does.

        exit
        """
        return True

    def do_EOF(self, _: str) -> bool:
        """Quit the console, as does Ctrl-D at the beginning of a line.

        EOF
        """
        if self.asks:
            print()
        return True

    def emptyline(self) -> bool:
        return False

    def do_help(self, arg: str) -> None:
        """List the commands, or explain one.

        help [COMMAND]

            help find
        """
        explained = getattr(self, f"do_{arg}", None)
        if explained is not None:
            self.stdout.write(f"{inspect.cleandoc(explained.__doc__)}\n")
            return
        if arg:
            self.failed = True
            super().do_help(arg)
            self._hint(arg, self._commands())
            return
        own = sorted({*self._commands()} - {*CLASSIC})
        self.stdout.write(f"{self.doc_leader}\n")
        self.print_topics(self.doc_header, [*CLASSIC], 15, 80)
        self.print_topics("HBNB's own commands (type help <topic>):", own, 15, 80)

    def onecmd(self, line: str) -> bool:
        self.failed = False
        try:
            called = dotted_calls.call(line)
            return bool(self._called(line, called) if called else super().onecmd(line))
        except Mistake as error:
            self.failed = True
            print(error)
            if error.note:
                self.note(error.note)
        except HBNBError as error:
            self.failed = True
            self.note(str(error))
        except Exception as error:  # whatever it is, the session goes on, unless no answer can be given
            if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
                raise
            self.failed = True
            self.note(f"HBNB made a mistake, please report it: {type(error).__name__}: {error}")
        finally:
            models.storage.close()
        return False

    def precmd(self, line: str) -> str:
        if self.asks:
            from cli.terminal import forget_secrets
            forget_secrets()
        return line

    def default(self, line: str) -> None:
        self.failed = True
        super().default(lexer.public(line))
        called = dotted_calls.call(line)
        self._hint(*((called.command, CALLED) if called else (line.split()[0], self._commands())))

    def _hint(self, typed: str, known: Sequence[str]) -> None:
        if hint := meant(typed, known):
            self.note(f"There is no command {typed}{hint}")

    def _called(self, line: str, call: dotted_calls.Call) -> bool | None:
        """`Class.command(arguments)` is the command with class and arguments as its words."""
        if call.command not in CALLED:
            self.default(line)
            return None
        self._class([call.cls])
        given = dotted_calls.arguments(call.given)
        if call.command == "update" and len(given) > 1 and isinstance(given[1], dict):
            obj = self._object([call.cls, str(given[0])])
            self._update(obj, given[1])
            self._pass_over(line, [str(each) for each in given[2:]])
            return None
        quoted = (each if each is schema.NULL else lexer.quoted(str(each)) for each in given)
        return bool(getattr(self, f"do_{call.command}")(" ".join([call.cls, *quoted])))

    def _pass_over(self, line: str, rest: list[str], advice: str = "") -> None:
        """Name the words that a classic command does not use, as it always has not."""
        if rest:
            shown = " ".join(map(lexer.bare, rest)) if lexer.public(line) == line else "What follows"
            self.note(f"{shown} was ignored{advice}")

    def _commands(self) -> list[str]:
        return [name[3:] for name in self.get_names() if name.startswith("do_")]

    def _class(self, given: list[str]) -> type[BaseModel]:
        if not given:
            raise Mistake("** class name missing **")
        name = lexer.bare(given[0])
        if name not in models.classes:
            raise Mistake("** class doesn't exist **", f"There is no class {name}", meant(name, models.classes))
        return models.classes[name]

    def _object(self, given: list[str]) -> BaseModel:
        cls = self._class(given)
        if len(given) < 2 or not lexer.bare(given[1]):
            raise Mistake("** instance id missing **")
        obj = models.storage.get(cls, lexer.bare(given[1]))
        if obj is None:
            raise Mistake("** no instance found **")
        return obj

    @staticmethod
    def _service(cls: type[BaseModel]) -> Service[Any]:
        from services.registry import service_for
        return service_for(cls)

    def _update(self, obj: BaseModel, typed: dict[str, Any]) -> None:
        """Set attributes: all that are named, or none."""
        values: dict[str, Any] = {}
        known = attributes(type(obj))
        for name, value in typed.items():
            if name in ("__class__", *schema.GIVEN):
                raise Invalid(f"{name} cannot be changed")
            if name not in known:
                raise Invalid(f"{type(obj).__name__} has no attribute {name}{meant(name, known)}")
            if name == LINKS:
                values[name] = dotted_calls.value(value) if isinstance(value, str) else value
            else:
                self._set(type(obj), values, name, value)
        self._service(type(obj)).assign(OPERATOR, obj, values)

    def _set(self, cls: type[BaseModel], values: dict[str, Any], name: str, value: Any) -> bool:
        """Keep a value that was typed, as its column's type. Returns: whether there is such a column."""
        column = cls.__table__.c.get(name)
        if column is None:
            return False
        values[name] = schema.sound(column, schema.fit(column, value))
        return True

    def _agrees_to_remove(self, obj: BaseModel) -> bool:
        from cli.formatting import counted
        from cli.terminal import agrees
        counts = self._service(type(obj)).dependents(OPERATOR, obj)
        parts = ", ".join(counted(count, name) for name, count in counts.items())
        return not counts or agrees(f"This removes {parts} as well. Go on?")

    @staticmethod
    def note(text: str) -> None:
        print(f"** {escaping.line(text)} **", file=sys.stderr)

    # Completion

    def completenames(self, text: str, *_: Any) -> list[str]:
        name, dot, start = text.partition(".")
        if dot and name in models.classes:
            return [f"{name}.{each}(" for each in CALLED if each.startswith(start)]
        classes = [f"{each}." for each in models.classes if text and each.startswith(text)]
        return [*super().completenames(text), *classes]

    def completedefault(self, text: str, line: str, begin: int, _: int) -> list[str]:
        from cli.completion import candidates
        before = lexer.split(line[:begin])
        return [each for each in candidates(before, text)
                if each.startswith((text, f'"{text}')) and escaping.safe(each) == each]
