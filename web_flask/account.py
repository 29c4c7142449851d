"""The page of the user's own account."""
from __future__ import annotations

import orjson
from flask import Response, make_response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from services import personal_tokens, profile, sessions
from web import session
from web.forms import Field, Form, answer, done
from web_flask import pages
from web_flask.accounts import EMAIL, NAMES, NEW_PASSWORD

CURRENT = Field("current_password", "Current password", "password", autocomplete="current-password")
PASSWORD = Field("password", "New password", "password", NEW_PASSWORD.hint, "new-password", wrong=NEW_PASSWORD.wrong)
NEW_EMAIL = Field("email", "New e-mail address", "email", "We send a link to the new address. Your account has the "
                  "new address once you open the link.", "email", wrong=EMAIL.wrong)
TOKEN = (Field("name", "Name", hint="What you use the token for"), Field("scope", "The token may", "radio"))
SCOPES = (("read", "read"), ("write", "read and write"))


@pages.get("/account")
def account() -> Response:
    return _page()


# What a browser opens if the user goes back to a form with an error.
@pages.get("/account/names")
@pages.get("/account/email")
@pages.get("/account/password")
@pages.get("/account/tokens")
@pages.get("/account/delete")
def account_part() -> Redirect:
    return redirect(url_for("web_flask.account"))


@pages.post("/account/names")
def change_names() -> Response | Redirect:
    actor, form = session.required().actor, Form("names", NAMES)
    if form.submit(lambda data: profile.update(actor, data)):
        return done("web_flask.account", "names")
    return _page(form)


@pages.post("/account/email")
def change_email() -> Response | Redirect:
    actor, form = session.required().actor, _email()
    if form.submit(lambda data: profile.update(actor, data)):
        return done("web_flask.account", "email_sent")
    return _page(form)


@pages.post("/account/password")
def change_password() -> Response | Redirect:
    actor, form = session.required().actor, _password()
    if form.submit(lambda data: profile.update(actor, data, request.user_agent.string)):
        return session.log_in(make_response(done("web_flask.account", "password")), form.result)
    return _page(form)


@pages.post("/account/sessions/end")
def end_sessions() -> Response:
    actor = session.required().actor
    assert actor.user_id
    sessions.end_all(actor.user_id)
    return session.log_out(make_response(done("web_flask.login", "everywhere")))


@pages.post("/account/tokens")
def create_token() -> Response:
    actor, form = session.required().actor, _token()
    if not form.submit(lambda data: personal_tokens.create(actor, profile.me(actor), data["name"], data["scope"])):
        return _page(form)
    return _page(created=(form.values["name"], form.result))


@pages.post("/account/tokens/revoke")
def revoke_token() -> Redirect:
    personal_tokens.revoke(session.required().actor, request.form.get("id", ""))
    return done("web_flask.account", "revoked")


@pages.get("/account/export")
def export() -> Response:
    found = orjson.dumps(profile.export(session.required().actor), option=orjson.OPT_INDENT_2)
    return Response(found, mimetype="application/json", headers={
        "Content-Disposition": 'attachment; filename="hbnb-account.json"'})


@pages.post("/account/delete")
def close_account() -> Response:
    actor, form = session.required().actor, _delete()
    if form.submit(lambda data: profile.close(actor, data["current_password"])):
        return session.log_out(make_response(done("web_flask.login", "closed")))
    return _page(form)


def _email() -> Form:
    return Form("email", (NEW_EMAIL, CURRENT), blamed="current_password")


def _password() -> Form:
    return Form("password", (CURRENT, PASSWORD), blamed="current_password")


def _token() -> Form:
    return Form("token", TOKEN, {"scope": "read"}, blamed="name")


def _delete() -> Form:
    return Form("delete", (CURRENT,), blamed="current_password")


def _page(failed: Form | None = None, created: tuple[str, str] | None = None) -> Response:
    """Draw the page.

    Args:
        failed: the form with an error.
        created: the name and the text of a new token, which is shown this once.
    """
    me = session.required()
    user = profile.show(me.actor)
    forms = {each.name: each for each in (Form("names", NAMES, user), _email(), _password(), _token(), _delete())}
    if failed:
        forms[failed.name] = failed
    return answer(
        "web_flask/account.html", failed or forms["names"], user=user, forms=forms, created=created, scopes=SCOPES,
        own=me.id, sessions=[each.to_dict() for each in sessions.list(me.actor)],
        tokens=personal_tokens.list(me.actor, profile.me(me.actor)))
