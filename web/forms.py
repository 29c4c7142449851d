"""Forms of pages: their fields, what the user typed, and what is wrong with it."""
from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from errors import Conflict, Forbidden, HBNBError, Invalid, NotFound, TooMany, Unauthorized
from services import query
from serving.errors import STATUS

MISSING = "Fill in this field."
SHOWN = (Invalid, Unauthorized, Forbidden, Conflict, TooMany)       # the errors that a form shows
# What a page says after a change. The address has only the key, so that no link makes a page say something else.
NOTICES = {
    "signed_up": "We sent you a mail. Open the link in it to confirm your address, then log in here. The link works "
                 "for 24 hours.",
    "confirmed": "Your e-mail address is confirmed. Log in with it.",
    "reset_sent": "We sent you a mail. Open the link in it to choose a new password. The link works for one hour.",
    "reset": "Your new password is set, and all other sessions have ended.",
    "logged_out": "You are logged out.",
    "everywhere": "You are logged out on all devices.",
    "closed": "Your account is deleted.",
    "names": "Your name is changed.",
    "email_sent": "We sent a mail to the new address. Open the link in it to use that address from now on.",
    "email": "Your e-mail address is changed.",
    "password": "Your password is changed, and all other sessions have ended.",
    "revoked": "The token is revoked.",
    "created": "The place is saved.",
    "changed": "Your changes are saved.",
    "removed": "The place is removed.",
    "suspended": "The user is suspended, and all sessions of the user have ended.",
    "unsuspended": "The user can log in again.",
    "sending": "HBNB tries again to send the mail.",
}


def _whole(text: str) -> int:
    if not (text.isascii() and text.removeprefix("-").isdigit()) or len(text) > 20:
        raise ValueError
    return int(text)


def _decimal(text: str) -> float:
    found = float(text.replace(",", ".").replace("−", "-"))
    if not math.isfinite(found):
        raise ValueError
    return found


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


# How the text of each type of field is read.
_READ: dict[str, Callable[[str], Any]] = {
    "password": str, "whole": _whole, "decimal": _decimal, "lines": _lines}


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Args:
        name: the name of the attribute.
        label: what the page calls it.
        type: `text`, `email`, `password`, `whole` (number), `decimal`, `lines` (text), `select`, `radio` or `boxes`
            (check boxes for a list of values).
        hint: the sentence below the label.
        autocomplete: what a browser may fill in.
        required: whether it must be filled in.
        wrong: the sentence for an invalid value; by default, the one of the error.
    """

    name: str
    label: str
    type: str = "text"
    hint: str = ""
    autocomplete: str = "off"
    required: bool = True
    wrong: str = ""

    def read(self, text: str) -> Any:
        """The value of a text; `None` if it is empty.

        Raises:
            ValueError: the text has no value of this type.
        """
        return None if not text.strip() and self.type != "lines" else _READ.get(self.type, str.strip)(text)


class Form:
    """A form of a page.

    Args:
        name: tells it from other forms of the page; part of the ids of its elements.
        fields: its fields.
        values: the values to show at first.
        blamed: the field that shows errors that name none; by default, they are shown above the form.
    """

    def __init__(self, name: str, fields: Sequence[Field], values: Mapping[str, Any] | None = None,
                 blamed: str = "") -> None:
        self.name, self.fields = name, {each.name: each for each in fields}
        self.values: dict[str, Any] = {name: "" if value is None else value for name, value in (values or {}).items()}
        self.errors: dict[str, str] = {}        # by the name of the field; "" = above the form
        self.status = 200
        self.headers: dict[str, str] = {}
        self.result: Any = None
        self._blamed = blamed

    def submit(self, action: Callable[[dict[str, Any]], Any]) -> bool:
        """Read the form of the request, and call an action with its values.

        Returns: whether the action succeeded; then `result` is what it returned, else `errors` says why it did not.
        """
        self.values = {each.name: _sent(each) for each in self.fields.values()}
        data = self._read()
        if not self.errors:
            try:
                self.result = action(data)
            except SHOWN as error:
                self._fail(error)
        return not self.errors

    @property
    def first_wrong(self) -> str:
        """The name of the first field with an error."""
        return next((name for name in self.fields if name in self.errors), "")

    def typed(self, name: str) -> Any:
        """The value to show in a field. Passwords are never sent back."""
        return "" if self.fields[name].type == "password" else self.values.get(name, "")

    def _read(self) -> dict[str, Any]:
        data = {}
        for field in self.fields.values():
            text = self.values[field.name]
            try:
                data[field.name] = text if isinstance(text, list) else field.read(text)
            except ValueError:
                self.errors[field.name] = field.wrong or "Enter a number."
            else:
                if field.required and data[field.name] in (None, "", []):
                    self.errors[field.name] = MISSING
        if self.errors:
            self.status = 400
        return data

    def _fail(self, error: HBNBError) -> None:
        name = getattr(error, "field", None) or self._blamed
        field = self.fields.get(name or "")
        self.errors[field.name if field else ""] = _sentence(error, field)
        self.status = next(status for kind, status in STATUS.items() if isinstance(error, kind))
        if isinstance(error, TooMany):
            self.headers["Retry-After"] = str(error.retry_after)


def init_app(app: Flask) -> None:
    app.jinja_env.globals["notice"] = notice


def notice() -> str:
    """What the page says about the change before it, or an empty text."""
    return NOTICES.get(request.args.get("done", ""), "")


def answer(template: str, form: Form, **values: Any) -> Response:
    """Render a page with a form, with the status of its error."""
    return make_response(render_template(template, form=form, **values), form.status, form.headers)


def done(endpoint: str, key: str = "", **values: Any) -> Redirect:
    """Redirect to a page after a change.

    Args:
        key: the one of `NOTICES` that the page shows.
    """
    more: dict[str, Any] = {"done": key} if key else {}
    return redirect(url_for(endpoint, **values, **more), 303)


def page_number(parameter: str = "page") -> int:
    """The page of a list that the request is for.

    Args:
        parameter: of the query, with the number.
    Raises:
        NotFound: there is no page with such a number.
    """
    try:
        return query.number(parameter, request.args.get(parameter, "1"), 1)
    except Invalid:
        raise NotFound() from None


def _sent(field: Field) -> str | list[str]:
    return request.form.getlist(field.name) if field.type == "boxes" else request.form.get(field.name, "")


def _sentence(error: HBNBError, field: Field | None) -> str:
    """The message of an error for people: with the label of the field instead of its name."""
    if field and isinstance(error, Invalid):
        if field.wrong:
            return field.wrong
        text = str(error).replace(field.name, field.label, 1)
    else:
        text = str(error)
    return text if text.endswith(".") else f"{text}."
