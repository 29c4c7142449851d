"""Base of the console: parses lines, runs commands, and reports errors."""
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
CALLABLE = ("all", "count", "destroy", "show", "update")   # also available as CLASS.command(…)
AMENITY_IDS = "amenity_ids"     # an attribute of a place that is not a column


def attributes(cls: type[BaseModel]) -> list[str]:
    """The attributes that `update` can set."""
    return [*schema.writable(cls, is_new=True), *[AMENITY_IDS] * issubclass(cls, Place)]


class ClassicError(Exception):
    """An error whose message the contract fixes word for word.

    Args:
        message: the fixed message.
        reason, hint: an additional note; it is printed only if there is a hint.
    """

    def __init__(self, message: str, reason: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.note = hint and f"{reason}{hint}"


class Interpreter(cmd.Cmd):
    """Runs commands. Each is its own transaction; an error ends the command, never the session.

    Args:
        settings: default: read from the environment.
    """

    prompt = "(hbnb) "

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or Settings.from_environ()
        self.failed = False         # whether the last command failed
        self.interactive = False    # whether a user at a terminal can answer questions

    def do_quit(self, _: str) -> bool:
        """Quit the console.

        quit
        """
        return True

    def do_exit(self, _: str) -> bool:
        """Quit the console, like quit.

        exit
        """
        return True

    def do_EOF(self, _: str) -> bool:
        """Quit the console, like Ctrl-D at the beginning of a line.

        EOF
        """
        if self.interactive:
            print()
        return True

    def emptyline(self) -> bool:
        return False

    def do_help(self, arg: str) -> None:
        """List the commands, or explain one.

        help [COMMAND]

            help find
        """
        command = getattr(self, f"do_{arg}", None)
        if command is not None:
            self.stdout.write(f"{inspect.cleandoc(command.__doc__)}\n")
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
            call = dotted_calls.call(line)
            return bool(self._run_call(line, call) if call else super().onecmd(line))
        except ClassicError as error:
            self.failed = True
            print(error)
            if error.note:
                self.note(error.note)
        except HBNBError as error:
            self.failed = True
            self.note(str(error))
        except Exception as error:  # the session continues after any error, unless output is impossible
            if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.ENOSPC, errno.EIO):
                raise
            self.failed = True
            self.note(f"Internal error, please report it: {type(error).__name__}: {error}")
        finally:
            models.storage.close()
        return False

    def precmd(self, line: str) -> str:
        if self.interactive:
            from cli.terminal import remove_secret_from_history
            remove_secret_from_history()
        return line

    def default(self, line: str) -> None:
        self.failed = True
        super().default(lexer.public(line))
        call = dotted_calls.call(line)
        self._hint(*((call.command, CALLABLE) if call else (line.split()[0], self._commands())))

    def _hint(self, typed: str, known: Sequence[str]) -> None:
        if hint := meant(typed, known):
            self.note(f"There is no command {typed}{hint}")

    def _run_call(self, line: str, call: dotted_calls.Call) -> bool | None:
        """Run `Class.command(arguments)` as `command Class arguments`."""
        if call.command not in CALLABLE:
            self.default(line)
            return None
        self._class([call.cls])
        arguments = dotted_calls.arguments(call.arguments)
        if call.command == "update" and len(arguments) > 1 and isinstance(arguments[1], dict):
            obj = self._object([call.cls, str(arguments[0])])
            self._update(obj, arguments[1])
            self._note_ignored(line, [str(word) for word in arguments[2:]])
            return None
        quoted = (word if word is schema.NULL else lexer.quoted(str(word)) for word in arguments)
        return bool(getattr(self, f"do_{call.command}")(" ".join([call.cls, *quoted])))

    def _note_ignored(self, line: str, rest: list[str], advice: str = "") -> None:
        """Print a note about surplus words, which the classic commands ignore."""
        if rest:
            shown = " ".join(map(lexer.bare, rest)) if lexer.public(line) == line else "The rest of the line"
            self.note(f"{shown} was ignored{advice}")

    def _commands(self) -> list[str]:
        return [name[3:] for name in self.get_names() if name.startswith("do_")]

    def _class(self, words: list[str]) -> type[BaseModel]:
        if not words:
            raise ClassicError("** class name missing **")
        name = lexer.bare(words[0])
        if name not in models.classes:
            raise ClassicError("** class doesn't exist **", f"There is no class {name}", meant(name, models.classes))
        return models.classes[name]

    def _object(self, words: list[str]) -> BaseModel:
        cls = self._class(words)
        if len(words) < 2 or not lexer.bare(words[1]):
            raise ClassicError("** instance id missing **")
        obj = models.storage.get(cls, lexer.bare(words[1]))
        if obj is None:
            raise ClassicError("** no instance found **")
        return obj

    @staticmethod
    def _service(cls: type[BaseModel]) -> Service[Any]:
        from services.registry import service_for
        return service_for(cls)

    def _update(self, obj: BaseModel, changes: dict[str, Any]) -> None:
        """Set all of these attributes, or none."""
        values: dict[str, Any] = {}
        known = attributes(type(obj))
        for name, value in changes.items():
            if name in ("__class__", *schema.AUTOMATIC):
                raise Invalid(f"{name} cannot be changed")
            if name not in known:
                raise Invalid(f"{type(obj).__name__} has no attribute {name}{meant(name, known)}")
            if name == AMENITY_IDS:
                values[name] = dotted_calls.value(value) if isinstance(value, str) else value
            else:
                self._add_value(type(obj), values, name, value)
        self._service(type(obj)).assign(OPERATOR, obj, values)

    def _add_value(self, cls: type[BaseModel], values: dict[str, Any], name: str, value: Any) -> bool:
        """Convert a typed value to its column's type, and add it to `values`. Returns: whether the column exists."""
        column = cls.__table__.c.get(name)
        if column is None:
            return False
        values[name] = schema.validated(column, schema.convert_typed(column, value))
        return True

    def _confirms_removal(self, obj: BaseModel) -> bool:
        from cli.formatting import counted
        from cli.terminal import confirm
        counts = self._service(type(obj)).dependents(OPERATOR, obj)
        parts = ", ".join(counted(count, name) for name, count in counts.items())
        return not counts or confirm(f"This also removes {parts}. Continue?")

    @staticmethod
    def note(text: str) -> None:
        print(f"** {escaping.line(text)} **", file=sys.stderr)

    # Completion

    def completenames(self, text: str, *_: Any) -> list[str]:
        name, dot, start = text.partition(".")
        if dot and name in models.classes:
            return [f"{name}.{command}(" for command in CALLABLE if command.startswith(start)]
        classes = [f"{cls}." for cls in models.classes if text and cls.startswith(text)]
        return [*super().completenames(text), *classes]

    def completedefault(self, text: str, line: str, begin: int, _: int) -> list[str]:
        from cli.completion import candidates
        before = lexer.split(line[:begin])
        return [word for word in candidates(before, text)
                if word.startswith((text, f'"{text}')) and escaping.safe(word) == word]
