"""The pages of admins: users, and the mails that were given up."""
from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for
from werkzeug.wrappers import Response as Redirect

from models.user import User
from services import outbox, users
from services.registry import service_for
from web import session
from web.forms import Form, answer, done, page_number
from web_flask import pages

PAGE = 50


@pages.get("/admin")
def admin() -> Redirect:
    return redirect(url_for("web_flask.admin_users"))


@pages.get("/admin/users")
def admin_users() -> Response:
    return _users(Form("user", ()))


# What a browser opens if an admin goes back to a page with an error.
@pages.get("/admin/users/suspend")
@pages.get("/admin/users/unsuspend")
def admin_users_part() -> Redirect:
    return redirect(url_for("web_flask.admin_users"))


@pages.post("/admin/users/suspend")
def suspend_user() -> Response | Redirect:
    return _changed(users.suspend, "suspended")


@pages.post("/admin/users/unsuspend")
def unsuspend_user() -> Response | Redirect:
    return _changed(users.unsuspend, "unsuspended")


@pages.get("/admin/mails")
def admin_mails() -> Response:
    actor, page = session.required().actor, page_number()
    mails = outbox.failed(actor, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return answer("web_flask/admin_mails.html", Form("mail", ()), mails=mails[:PAGE], page=page,
                  more=len(mails) > PAGE)


@pages.post("/admin/mails")
def send_mail_again() -> Redirect:
    outbox.send_again(session.required().actor, request.form.get("id", ""))
    return done("web_flask.admin_mails", "sending")


def _changed(change: Any, key: str) -> Response | Redirect:
    """Suspend or unsuspend the user that the form names, and show the same users again."""
    actor, form = session.required().actor, Form("user", ())
    user = service_for(User).find(actor, request.form.get("id", ""))
    if form.submit(lambda _: change(actor, user)):
        return done("web_flask.admin_users", key, text=request.args.get("text") or None)
    return _users(form)


def _users(form: Form) -> Response:
    actor, page, text = session.required().actor, page_number(), request.args.get("text", "").strip()
    total = users.count(actor, text)
    return answer("web_flask/admin_users.html", form, users=users.list(actor, text, PAGE, (page - 1) * PAGE),
                  total=total, text=text, page=page, more=page * PAGE < total)
