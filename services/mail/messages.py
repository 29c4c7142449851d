"""Messages: the subject and the text of a mail, from its template.

A template has the blocks `subject` and `text`. The text is paragraphs, separated by blank lines; its HTML form is
derived from them. The paragraph `{{ link }}` becomes the link of the mail.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from email import utils
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config import Settings
from services.outbox import Mail

# The page to which the link of a template leads; by default the home page.
PAGES = {"confirm": "confirm/{secret}", "reset": "reset/{secret}", "email": "email/{secret}",
         "already_signed_up": "login", "password_changed": "login", "no_account": "signup"}
# In 7 bits, which each server accepts; lines as long as SMTP allows, so that a link is not broken.
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=998)
_texts = Environment(loader=FileSystemLoader(Path(__file__).with_name("templates")), undefined=StrictUndefined,
                     autoescape=lambda name: bool(name and name.endswith(".html")), trim_blocks=True)


class Content(NamedTuple):
    """What a mail says.

    Args:
        link: the address to which it leads.
    """

    subject: str
    text: str
    html: str
    link: str


def render(template: str, data: Mapping[str, Any], site: str) -> Content:
    """Render a template.

    Args:
        site: the address of the site, without a slash at its end.
    Raises:
        jinja2.TemplateError, KeyError: there is no such template, or the data lack one of its values.
    """
    link = f"{site}/{PAGES.get(template, '').format_map(data)}"
    found = _texts.get_template(f"{template}.txt")
    context = found.new_context({**data, "name": greeted(str(data.get("name", ""))), "link": link, "site": site})
    subject, text = ("".join(found.blocks[name](context)).strip() for name in ("subject", "text"))
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text)]
    html = _texts.get_template("frame.html").render(subject=subject, paragraphs=paragraphs, link=link)
    return Content(subject, f"{text}\n", html, link)


def greeted(name: str) -> str:
    """A name for the greeting; empty if it has anything but letters.

    The recipient need not be the person that chose the name, so a name must not carry a message, or an address, of
    which mail programs make a link.
    """
    plain = all(each in " '’.-" or unicodedata.category(each)[0] in "LM" for each in name)
    return name.strip() if plain and len(name) <= 50 and not re.search(r"\.\S", name) else ""


def message(mail: Mail, content: Content, settings: Settings) -> EmailMessage:
    """The message to send. It has the same id whenever the mail is sent, so that a repeated one can be recognized.

    Raises:
        ValueError: the recipient is no valid e-mail address.
    """
    name, address = settings.mail_sender
    made = EmailMessage(_POLICY)
    made["Subject"] = content.subject
    made["From"] = Address(name, addr_spec=address)
    made["To"] = Address(addr_spec=recipient(mail.recipient))
    made["Date"] = utils.format_datetime(mail.created_at)
    made["Message-ID"] = f"<{mail.id}@{address.partition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(content.text)
    made.add_alternative(content.html, subtype="html")
    return made


def recipient(address: str) -> str:
    """An e-mail address as SMTP has it, with the domain in ASCII.

    Raises:
        ValueError: it is not exactly one address, or has letters before the @ that are not in ASCII.
    """
    local, _, domain = address.rpartition("@")
    try:
        found = f"{local}@{domain.encode('idna').decode()}"
        if Address(addr_spec=found).addr_spec == found:
            return found
    except Exception as error:      # the parser of the standard library raises many kinds
        raise ValueError(address) from error
    raise ValueError(address)
