"""The pages of admins."""
from __future__ import annotations

from web import session
from web_flask import pages


@pages.get("/admin/users")
def admin_users() -> str:
    session.required()
    return ""
