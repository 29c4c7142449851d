"""Parsers of the cells of listings and reviews, in the formats of many cities."""
from __future__ import annotations

import datetime
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.transfer import cells


class TestCells:
    @pytest.mark.parametrize(("text", "amount"), [
        ("$70.00", 70), ("$1,234.00", 1234), ("$12,345,678.00", 12345678), ("$70.50", 71), ("$70.49", 70), ("70", 70),
        ("70.0", 70), ("1234.5678", 1235), ("€70.00", 70), ("£1,050.00", 1050), ("¥9,800", 9800),
        ("₹1,23,456.00", 123456), ("R$150.00", 150), ("CHF 120.00", 120), ("Rs.500", 500), ("1.234,50 €", 1235),
        ("1 234,50 €", 1235), ("12,5", 13), ("1'234.50", 1235), ("1.234.567", 1234567), ("100 kr.", 100),
        ("100,-", 100), ("$ 85", 85), ("$0.00", 0), ("$70.00/night", 70), ("\xa0$70.00 ", 70), ("", None),
        ("  ", None), ("Rp850.000", 850000), ("Rp1.500.000", 1500000), ("Rp 850.000,00", 850000), ("1.226 €", 1226),
        ("€1,226", 1226), ("€ 1.226", 1226), ("1.226 EUR", 1226), ("EUR 1.226,50", 1227), ("$1,234", 1234),
        ("COP 12.500", 12500), ("R$1.234", 1234), ("₫500.000", 500000), ("500.000đ", 500000), ("₩50,000", 50000),
        ("1.500 円", 1500), ("1\xa0226 €", 1226), ("1\u202f226,00\xa0€", 1226), ("1 226,5 €", 1227), ("12 500", 12500),
        ("1’226", 1226), ("CHF 1'226.50", 1227), ("CHF 1'226.-", 1226), ("1.234,- €", 1234), ("kr 1.234,-", 1234),
        ("1 234 567", 1234567), ("1,234.567", 1235), ("1.234,567", 1235), ("1,50 €", 2), ("$1.5", 2), ("0,49 €", 0),
        ("1234.567", 1235), ("0.500", 1), ("KWD 12.50", 13), ("KWD 1,212.500", 1213), ("12.500 Kč", 12500),
        ("€12.500 per night", 12500), ("1,234,567", 1234567), ("12.500,00", 12500), ("1,23,456", 123456),
        ("A$ 150", 150), ("US$1,234", 1234), ("150 US $", 150), ("R$ 1.234", 1234), ("S/ 150", 150),
        ("1.226 eur", 1226),
        ("د.إ 150", 150), ("€70 par nuit", 70), ("₹500/-", 500), ("1.226\xa0руб.", 1226),
        ("12.500 Kc\u030c", 12500)])
    def test_prices_are_parsed_in_all_notations(self, text: str, amount: int | None):
        assert cells.price(text) == amount

    @pytest.mark.parametrize(("text", "one", "other"), [
        ("12.500", "12500", "12.5"), ("12,500", "12500", "12.5"), ("850.000", "850000", "850.0"),
        ("1.226", "1226", "1.226"), ("1,234", "1234", "1.234"), ("KWD 12.500", "12500", "12.5"),
        ("12.500 KWD", "12500", "12.5"),
        ("12.500 per night", "12500", "12.5"), ("1.226 ₿", "1226", "1.226"),
        ("﷼ 12.500", "12500", "12.5"), ("12.500 / 2 n", "", "")])
    def test_ambiguous_prices_are_refused(self, text: str, one: str, other: str):
        with pytest.raises(ValueError, match=f"may be {one} or {other}: write it" if one else "which is not a number"):
            cells.price(text)

    @pytest.mark.parametrize("text", [
        "850k", "850 K", "Rp 850rb", "1.5k €", "2 jt", "1.5M", "1.5M$", "IDR 1,2 juta", "$1.5 mil", "3 万円",
        "1.5 tr ₫", "k$ 850", "2 lakh INR", "1.5B/night", "85¢", "100%", "$70/month", "PRE 12.500",
        "2 BTC", "1,5 тыс. руб.", "~100"])
    def test_a_price_with_an_unknown_word_or_sign_is_refused(self, text: str):
        with pytest.raises(ValueError, match=r"price is .*, which has the unknown word or sign '.+' next to"):
            cells.price(text)

    @pytest.mark.parametrize("text", ["free", "$", "1.234.56", "1,234.567.890", "1.234'567", "1,2345", "1 23,50",
                                      "1.23.456", "12 34,5", "1234,567", "0,500", "1..5", "1.,5", "12'50",
                                      "NaN", "inf", "-inf", "1e999", "$-5.00x", "-$5", "(100)",
                                      "100 - 200", "12 34", "1.2.3", "1,2,3", "1/2", "9" * 400, "1" * 100_000,
                                      "$" * 100_000, "--"])
    def test_texts_that_are_not_prices_are_refused(self, text: str):
        with pytest.raises(ValueError, match=r"price is .*, which is not a number"):
            cells.price(text)

    @pytest.mark.parametrize(("number", "words", "count"), [
        ("", "1 bath", 1), ("", "1.5 shared baths", 2), ("", "Half-bath", 1), ("", "Shared half-bath", 1),
        ("", "0 shared baths", 0), ("", "12 baths", 12), ("", "", 0), ("1.0", "", 1), ("2.5", "9 baths", 3),
        ("0.5", "", 1), ("3", "", 3), (" ", "Private bath", 0)])
    def test_bathrooms_are_read_from_a_number_or_from_words(self, number: str, words: str, count: int):
        assert cells.bathrooms({"bathrooms": number, "bathrooms_text": words}) == count

    @pytest.mark.parametrize(("text", "key"), [
        ("2992450", "2992450"), (" 12 ", "12"), ("12.0", "12"), ("12.", "12"), ("1011738405112345678",) * 2])
    def test_ids_are_read_exactly(self, text: str, key: str):
        assert cells.key("listing", text) == key

    @pytest.mark.parametrize("text", ["5.4E+17", "5.4e17", "5E17", "540123456789012345.0", "nan", "inf", "-1", "1.5",
                                      "a b", "1;2", "é", "\x00", "1" * 61])
    def test_invalid_and_rounded_ids_are_refused(self, text: str):
        with pytest.raises(ValueError, match=r"the id of the listing is "):
            cells.key("listing", text)

    @pytest.mark.parametrize(("text", "names"), [
        ('["Wifi", "TV"]', ["Wifi", "TV"]), ("[]", []), ("", []), ("  ", []), ("{}", []), ("{TV}", ["TV"]),
        (r'["Caf\u00e9"]', ["Café"]), ('{TV,"a, b",Wifi}', ["TV", "a, b", "Wifi"])])
    def test_amenities_are_read_from_either_form(self, text: str, names: list[str]):
        assert cells.amenities(text) == names

    @pytest.mark.parametrize("text", ["Wifi", '["Wifi"', "{", "[1]", "[null]", '[["Wifi"]]', '"Wifi"', "5", "null",
                                      "[" * 100_000, '{"a": 1', "['Wifi']", r'["\ud800"]', "nan"])
    def test_invalid_lists_of_amenities_are_refused(self, text: str):
        with pytest.raises(ValueError, match=r"amenities is .*, which is not a JSON list"):
            cells.amenities(text)


class TestNumbers:
    @pytest.mark.parametrize(("text", "number"), [
        ("", 0), (" ", 0), ("2", 2), ("2.0", 2), ("2.5", 3), ("2.49", 2), ("0.5", 1), ("1e2", 100), ("-0.2", 0),
        (" 3 ", 3)])
    def test_numbers_are_rounded_half_up(self, text: str, number: int):
        assert cells.whole("bedrooms", text) == number

    @pytest.mark.parametrize("text", ["two", "nan", "inf", "-Infinity", "1e999", "1,5", "0x10", "1" * 5000, "\x00",
                                      "2 beds"])
    def test_texts_that_are_not_numbers_are_refused(self, text: str):
        with pytest.raises(ValueError, match=r"bedrooms is .*, which is not a number"):
            cells.whole("bedrooms", text)

    @pytest.mark.parametrize(("text", "degrees"), [("42.65789", 42.65789), ("", None), (" ", None), ("-73", -73.0)])
    def test_degrees_are_exact(self, text: str, degrees: float | None):
        assert cells.degrees("latitude", text) == degrees

    @given(st.text())
    def test_any_cell_is_parsed_or_refused_with_value_error(self, text: str):
        for read in (cells.price, cells.time, cells.amenities, lambda text: cells.key("listing", text),
                     lambda text: cells.whole("beds", text), lambda text: cells.bathrooms({"bathrooms": text})):
            with suppress(ValueError):
                read(text)

    @given(st.integers(0, 10**9).map(lambda cents: cents / 100))
    def test_prices_in_the_published_format_are_parsed_exactly(self, price: float):
        assert cells.price(f"${price:,.2f}") == math.floor(price + 0.5)


class TestTimes:
    @pytest.mark.parametrize(("text", "time"), [
        ("2024-11-05", datetime.datetime(2024, 11, 5)), (" 2024-11-05 ", datetime.datetime(2024, 11, 5)),
        ("2024-11-05T01:02:03", datetime.datetime(2024, 11, 5, 1, 2, 3)),
        ("2024-11-05 01:02:03+02:00", datetime.datetime(2024, 11, 4, 23, 2, 3))])
    def test_times_are_parsed_as_utc(self, text: str, time: datetime.datetime):
        assert cells.time(text) == time

    @pytest.mark.parametrize("text", ["", "yesterday", "11/05/2024", "2024-13-01", "2023-02-29",
                                      "0001-01-01T00:00+14:00", "2024-11-05\x00"])
    def test_texts_that_are_not_dates_are_refused(self, text: str):
        with pytest.raises(ValueError, match=r"\S+ is not a date"):
            cells.time(text)
