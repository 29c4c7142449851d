"""Pages to sign up, log in and out, and for the links that mails contain."""
from __future__ import annotations

import re
from collections.abc import Callable

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as Redirect

from errors import Conflict, Expired
from services import accounts, links, sessions
from web import session
from web.forms import Field, Form, answer, done
from web_flask import pages

EMAIL = Field("email", "E-mail address", "email", autocomplete="email",
              wrong="Enter an e-mail address, such as ada@example.com.")
NEW_PASSWORD = Field(
    "password", "Password", "password", f"{accounts.LEAST_PASSWORD} characters or more", "new-password",
    wrong=f"Enter a password of {accounts.LEAST_PASSWORD} to {accounts.MOST_PASSWORD} characters.")
NAMES = (Field("first_name", "First name", autocomplete="given-name"),
         Field("last_name", "Last name", autocomplete="family-name"))
SIGN_UP = (*NAMES, EMAIL, NEW_PASSWORD)
LOG_IN = (Field("email", "E-mail address", "email", autocomplete="username"),
          Field("password", "Password", "password", autocomplete="current-password"))
# A path of this site: a browser takes // and /\ for the beginning of another host's address.
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")


@pages.get("/signup")
def signup() -> Response | Redirect:
    return done("web_flask.account") if session.current() else _signup(Form("signup", SIGN_UP))


@pages.post("/signup")
def sign_up() -> Response | Redirect:
    form = Form("signup", SIGN_UP)
    if form.submit(lambda data: accounts.sign_up(data, _address())):
        return done("web_flask.login", "signed_up")
    return _signup(form)


@pages.get("/login")
def login() -> Response | Redirect:
    return redirect(_next()) if session.current() else _login(Form("login", LOG_IN))


@pages.post("/login")
def log_in() -> Response | Redirect:
    form = Form("login", LOG_IN)
    if not form.submit(lambda data: accounts.log_in(data["email"], data["password"], _address(), _agent())):
        return _login(form)
    _end_session()
    return session.log_in(_moved(_next()), form.result)


@pages.post("/logout")
def logout() -> Response:
    _end_session()
    return session.log_out(_moved(url_for("web_flask.login", done="logged_out")))


@pages.get("/reset")
def reset() -> Response:
    return _reset(Form("reset", (EMAIL,)))


@pages.post("/reset")
def request_reset() -> Response | Redirect:
    form = Form("reset", (EMAIL,))
    if form.submit(lambda data: accounts.request_reset(data["email"], _address())):
        return done("web_flask.login", "reset_sent")
    return _reset(form)


@pages.route("/reset/<secret>", methods=["GET", "POST"])
def new_password(secret: str) -> Response | Redirect:
    form = Form("new", (NEW_PASSWORD,))

    def answered() -> Response | Redirect:
        links.find(secret, "reset")
        if request.method == "POST" and form.submit(lambda data: accounts.reset(secret, data["password"], _agent())):
            return session.log_in(_moved(url_for("web_flask.account", done="reset")), form.result)
        return answer("web_flask/new_password.html", form)
    return _unless_expired(answered, "Ask for a new link. It works once, for one hour.", "web_flask.reset", "New link")


@pages.route("/confirm/<secret>", methods=["GET", "POST"])
def confirm(secret: str) -> Response | Redirect:
    def answered() -> Response | Redirect:
        links.find(secret, "confirm")
        if request.method == "POST":
            accounts.confirm(secret)
            return done("web_flask.login", "confirmed")
        return _button("Confirm your e-mail address", "Then you can log in with it.", "Confirm the address")
    return _unless_expired(answered, "If you confirmed your address already, log in. If not, sign up again with the "
                                     "same address: then we send you a new link.", "web_flask.login", "Log in")


@pages.route("/email/<secret>", methods=["GET", "POST"])
def new_email(secret: str) -> Response | Redirect:
    def answered() -> Response | Redirect:
        links.find(secret, "email")
        if request.method == "POST":
            accounts.confirm(secret)
            return done("web_flask.account" if session.current() else "web_flask.login", "email")
        return _button("Change your e-mail address", "From then on you log in with the address to which we sent this "
                                                     "link.", "Use this address")
    return _unless_expired(answered, "If your account still has the former address, change it again: then we send you "
                                     "a new link.", "web_flask.account", "Your account")


def _signup(form: Form) -> Response:
    return answer("web_flask/signup.html", form)


def _login(form: Form) -> Response:
    return answer("web_flask/login.html", form, next=request.args.get("next") and _next())


def _reset(form: Form) -> Response:
    return answer("web_flask/reset.html", form)


def _button(title: str, sentence: str, label: str) -> Response:
    return make_response(render_template("web_flask/link.html", title=title, sentence=sentence, label=label))


def _unless_expired(answered: Callable[[], Response | Redirect], sentence: str, endpoint: str,
                    label: str) -> Response | Redirect:
    """The answer for a link, or a page that says what to do if the link does not work any more."""
    try:
        return answered()
    except Expired:
        return _useless("This link no longer works", f"It has expired, or it was used already. {sentence}",
                        endpoint, label, 410)
    except Conflict as error:
        return _useless("That did not work", f"{error}.", endpoint, label, 409)


def _useless(title: str, sentence: str, endpoint: str, label: str, status: int) -> Response:
    return make_response(render_template(
        "web_flask/expired.html", title=title, sentence=sentence, way=endpoint, label=label), status)


def _next() -> str:
    """The path to which the user goes after logging in."""
    path = request.args.get("next", "")
    return path if _OWN_PATH.fullmatch(path) else url_for("web_flask.hosting")


def _end_session() -> None:
    if found := session.current():
        sessions.end(found.id)


def _moved(path: str) -> Response:
    return make_response(redirect(path, 303))


def _address() -> str:
    return request.remote_addr or ""


def _agent() -> str:
    return request.user_agent.string
