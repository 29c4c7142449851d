"""Parser for prices in the notations of all countries.

The separators in an amount are points, commas, apostrophes and spaces of any kind. The rules:

- An apostrophe or a space separates thousands, and so does a point or comma that occurs more than once. (Indian
  amounts have two digits between commas: `1,23,456`.)
- After another kind of separator, the last point or comma is the decimal separator: `1.234,50`, `1,234.50`, `1 234,5`.
- A single point or comma is the decimal separator if the number of digits after it is not three (`1,50 €`), or if the
  digits before a point cannot be thousands (`1234.567`, `0.500`).
- A single point or comma before exactly three digits separates thousands if the price has the sign, code or name of a
  currency with at most two decimals: `Rp850.000`, `1.226 €`, `$1,234`. No price has thousandths of these currencies,
  whichever separator a country uses. Without a currency (`12.500`), or with a currency that has thousandths
  (`12.500 KWD`), the price is ambiguous, and refused.

Only currencies and the words and signs of `_HARMLESS` may be next to the amount. Any other word or sign may change
the amount, as in `850k`, `2 jt`, `3 万円`, `85¢` and `$70/month`, so such a price is refused.
"""
from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

# ISO 4217 codes of currencies with at most two decimals; then the codes and names of those with three or four.
_CODES = frozenset(re.findall(r"\w+", """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR
    ILS INR IRR ISK JMD JPY KES KGS KHR KMF KPW KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF
    XPF YER ZAR ZMW"""))
_THOUSANDTHS = frozenset(re.findall(r"\S+", """
    BHD CLF IQD JOD KWD LYD OMR TND UYW KD BD JD LD DT ₿ ﷼ ¤ دك دب دا دت رع عد لد"""))
# Names and abbreviations, in lower case; signs such as $ and € are recognized by their Unicode category.
_NAMES = frozenset(re.findall(r"\w+", """
    rp rs re kr kn ks fr sfr fcfa cfa rm tl ltl zł zl kč kc ft lei leu din lv лв руб р грн vnđ vnd đ ksh tsh ush php
    euro euros dollar dollars pound pounds peso pesos yen yuan won baht rand real reais franken francs franc kroner
    kronor krona krone 円 元 圆 圓 원 บาท r us rmb nis q s bs gs ден дин тг دإ رس رق دم جم لل لس"""))
_PARTS_OF_UNITS = frozenset("¢￠₥")     # signs of hundredths and thousandths
# Words and signs that do not change an amount, in lower case.
_HARMLESS = frozenset(re.findall(r"\S+", """
    / - – — : . per night nightly pn noche noite notte nacht nuit par por pro 晚 每晚"""))

# A number with words or signs before and after it, but without a minus before it.
_PRICE = re.compile(r"((?:[^\W\d]\.?|[^\w.,()–−-])*?)(\d[\d.,'’\s]*)((?:[^\W\d]\.?|[^\w.,()])*)")
_ROUND = re.compile(r"(?<=\d[.,])[-–—]{1,2}(?!\s*\d)")     # 100,- and 1'250.--
_PARTS = re.compile(r"\d+|[.,'\s]")
# The country of a dollar sign: the A of A$.
_WHOSE = re.compile(r"\b(?:USD?|U|AU?|CA?|CDN|CO|COL|CL|AR|SG?|HK|NT|NZ|MX|Mex|RD?|TT|J|BZ|Bds|EC|FJ|NA)\s?(?=\$)")
_WORDS = re.compile(r"[^\W\d_](?:\.[^\W\d_])+(?![^\W\d_])|[^\W\d_]+|\S")
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}")
LONGEST = 40    # characters of a price


def amount(text: str) -> str | None:
    """The amount of a price, as a number with a decimal point, or `None` if the text is not a price.

    Raises:
        ValueError: the amount is ambiguous; gives the reason.
    """
    found = _PRICE.fullmatch(_ROUND.sub("0", text)) if len(text) <= LONGEST else None
    if found is None:
        return None
    marks = _marks(f"{found[1]} {found[3]}")
    written = found[2].replace("’", "'").rstrip(" .,'\t\xa0\u202f\u2009")
    parts = _PARTS.findall(written)
    groups, separators = parts[::2], [" " if each.isspace() else each for each in parts[1::2]]
    if not all(map(str.isdigit, groups)) or any(map(str.isdigit, separators)):
        return None
    if not separators:
        return written
    last, kinds = separators[-1], {*separators}
    if last in ".," and separators.count(last) == 1:
        if len(kinds) == 1:
            return _single(groups[0], groups[1], last, marks)
        whole = _thousands(groups[:-1], separators[:-1])
        return whole and f"{whole}.{groups[-1]}"
    return _thousands(groups, separators)


def _single(head: str, tail: str, separator: str, marks: Sequence[str]) -> str | None:
    """An amount whose only separator is a point or a comma; `None` if it is not valid."""
    if len(tail) == 3 and len(head) <= 3 and head[0] != "0":
        if not _has_no_thousandths(marks):
            raise ValueError(f"may be {head}{tail} or {head}.{tail.rstrip('0') or '0'}: write it without a thousands "
                             "separator, or with its currency")
        return head + tail
    return f"{head}.{tail}" if separator == "." or len(tail) < 3 else None


def _thousands(groups: list[str], separators: list[str]) -> str | None:
    """Join groups of digits that are separated into thousands by one kind of separator; `None` if they are not."""
    grouped = len({*separators}) == 1 and len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:])
    indian = {*separators} == {","} and _INDIAN.fullmatch(",".join(groups))
    return "".join(groups) if grouped or indian else None


def _marks(around: str) -> list[str]:
    """The currencies before and after an amount.

    Raises:
        ValueError: another word or sign may change the amount.
    """
    words = _WORDS.findall(_WHOSE.sub("", unicodedata.normalize("NFC", around)))
    marks = [word.replace(".", "") for word in words if word.casefold() not in _HARMLESS]
    for mark in marks:
        if not _is_currency(mark):
            raise ValueError(f"has the unknown word or sign {mark!r} next to the amount: write digits and a currency")
    return marks


def _is_currency(mark: str) -> bool:
    return (mark.upper() in _CODES | _THOUSANDTHS or mark.casefold() in _NAMES
            or (unicodedata.category(mark[0]) == "Sc" and mark not in _PARTS_OF_UNITS))


def _has_no_thousandths(marks: Sequence[str]) -> bool:
    """Whether an amount has a currency, and that currency has no thousandths."""
    return bool(marks) and not any(mark.upper() in _THOUSANDTHS for mark in marks)
