"""Reading prices, however a file writes them.

Separators of an amount are points, commas, apostrophes and spaces of any kind. The rule:

- An apostrophe or a space separates thousands, and so does a point or comma that stands there more than once. (Indian
  amounts have two digits between commas: `1,23,456`.)
- After another kind of separator, a last point or comma is the decimal one: `1.234,50`, `1,234.50`, `1 234,5`.
- A single point or comma is the decimal one if what follows is not three digits (`1,50 €`), or if no thousands can
  stand before a point (`1234.567`, `0.500`).
- A single point or comma before exactly three digits separates thousands if the price has the sign, code or name of a
  currency with at most two decimals: `Rp850.000`, `1.226 €`, `$1,234`. Nothing costs thousandths of these, whatever
  separator a country uses. Without such a mark (`12.500`), or with one of a currency that has thousandths
  (`12.500 KWD`), it is undecidable, and refused.
"""
from __future__ import annotations

import re
import unicodedata

# Codes of ISO 4217 whose amounts have at most two decimals, and those that have three or four.
_CODES = frozenset(re.findall(r"\w+", """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
    COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR
    ILS INR IRR ISK JMD JPY KES KGS KHR KMF KPW KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP
    SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF
    XPF YER ZAR ZMW"""))
_THOUSANDTHS = frozenset({"BHD", "CLF", "IQD", "JOD", "KWD", "LYD", "OMR", "TND", "UYW", "KD", "BD", "JD", "LD", "DT"})
# Names and short forms, in small letters; signs such as $ and € are known by their Unicode category.
_NAMES = frozenset(re.findall(r"\w+", """
    rp rs re kr kn ks fr sfr fcfa cfa rm tl ltl zł zl kč kc ft lei leu din lv лв руб р грн vnđ vnd đ ksh tsh ush php
    euro euros dollar dollars pound pounds peso pesos yen yuan won baht rand real reais franken francs franc kroner
    kronor krona krone 円 元 圆 圓 원 บาท r"""))

# A number between a currency's sign or name and perhaps words; before it, no minus.
_PRICE = re.compile(r"((?:[^\W\d]\.?|[^\w.,()–−-])*?)(\d[\d.,'’\s]*)((?:[^\W\d]\.?|[^\w.,()])*)")
_ROUND = re.compile(r"(?<=\d[.,])[-–—]{1,2}(?!\s*\d)")     # 100,- and 1'250.--
_PARTS = re.compile(r"\d+|[.,'\s]")
_WORDS = re.compile(r"[^\W\d_]+|\S")
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}")
LONGEST = 40    # characters of a price


def amount(text: str) -> str | None:
    """The amount of a price, as a number with a decimal point; none if the text is no price.

    Raises:
        ValueError: it is undecidable which amount is meant; says which ones it may be.
    """
    found = _PRICE.fullmatch(_ROUND.sub("0", text)) if len(text) <= LONGEST else None
    if found is None:
        return None
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
            return _single(groups[0], groups[1], last, f"{found[1]} {found[3]}")
        whole = _thousands(groups[:-1], separators[:-1])
        return whole and f"{whole}.{groups[-1]}"
    return _thousands(groups, separators)


def _single(head: str, tail: str, separator: str, around: str) -> str | None:
    """The amount whose only separator is a point or a comma."""
    if len(tail) == 3 and len(head) <= 3 and head[0] != "0":
        if not _has_no_thousandths(around):
            raise ValueError(f"may be {head}{tail} or {head}.{tail.rstrip('0') or '0'}: write it without a separator "
                             "of thousands, or with its currency")
        return head + tail
    return f"{head}.{tail}" if separator == "." or len(tail) < 3 else None


def _thousands(groups: list[str], separators: list[str]) -> str | None:
    """The whole number that groups of digits make, if they are thousands with one kind of separator."""
    grouped = len({*separators}) == 1 and len(groups[0]) <= 3 and all(len(each) == 3 for each in groups[1:])
    indian = {*separators} == {","} and _INDIAN.fullmatch(",".join(groups))
    return "".join(groups) if grouped or indian else None


def _has_no_thousandths(around: str) -> bool:
    """Whether what stands around an amount names a currency, and none with thousandths."""
    marks = _WORDS.findall(around)
    if any(mark in _THOUSANDTHS for mark in marks):
        return False
    return any(mark in _CODES or mark.casefold() in _NAMES or unicodedata.category(mark[0]) == "Sc" for mark in marks)
