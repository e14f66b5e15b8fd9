"""Three languages: which one, its prices and dates, and its texts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cart.kernel import i18n
from cart.kernel.money import Money

MOMENT = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("explicit", "accept_language", "chosen"),
    [
        (None, "", "en"),
        (None, "pl-PL,pl;q=0.9,en;q=0.8", "pl"),
        (None, "en;q=0.2,he;q=0.9", "he"),
        (None, "iw", "he"),  # what long-lived browsers call Hebrew
        (None, "iw-IL", "he"),
        (None, "fr,de;q=0.5", "en"),
        (None, "he;q=abc, pl", "pl"),
        (None, "*", "en"),
        ("pl", "he", "pl"),
        ("fr", "he", "he"),
        (None, "x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_chosen_one_or_the_browsers(
    explicit: str | None, accept_language: str, chosen: str
) -> None:
    """A person's own choice wins; nonsense in the header costs nothing."""
    assert i18n.choose(explicit, accept_language) == chosen


def test_hebrew_runs_from_right_to_left() -> None:
    """And says its own name in its own letters."""
    assert [i18n.direction(locale) for locale in i18n.LOCALES] == ["ltr", "rtl", "ltr"]
    assert [i18n.language_name(locale) for locale in i18n.LOCALES] == ["English", "עברית", "Polski"]


def test_money_is_written_as_the_language_writes_it() -> None:
    """Sign, separators and decimals by locale and by currency."""
    assert i18n.format_money(Money(1_234_550, "EUR"), "en") == "€12,345.50"
    assert (
        i18n.format_money(Money(1_234_550, "PLN"), "pl")
        == "12\N{NO-BREAK SPACE}345,50\N{NO-BREAK SPACE}zł"
    )
    assert "₪" in i18n.format_money(Money(18_900, "ILS"), "he")
    assert i18n.format_money(Money(1_500, "JPY"), "en") == "¥1,500"
    assert "\u200e-42.00" in i18n.format_money(Money(-4_200, "EUR"), "he")


def test_moments_are_shown_in_the_shops_zone() -> None:
    """Five past nine in UTC is five past eleven in Jerusalem."""
    assert i18n.format_time(MOMENT, "he", "Asia/Jerusalem") == "11:05"
    assert i18n.format_time(MOMENT, "pl", "Europe/Warsaw") == "10:05"
    assert "2026" in i18n.format_moment(MOMENT, "en", "Europe/Warsaw")
    assert i18n.format_number(234.5, "pl") == "234,5"


def test_a_field_of_a_feed_falls_back_to_its_main_text() -> None:
    """A translation that is missing or empty is no empty page."""
    assert i18n.of_language({"pl": "Lampa"}, "Lamp", "pl") == "Lampa"
    assert i18n.of_language({"pl": ""}, "Lamp", "pl") == "Lamp"
    assert i18n.of_language(None, "Lamp", "he") == "Lamp"


def test_texts_come_from_po_files_and_what_is_missing_is_named(tmp_path: Path) -> None:
    """English needs no file; another language without one is a mistake."""
    (tmp_path / "pl.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
        'msgid "My list"\nmsgstr "Moja lista"\n\nmsgid "Done"\nmsgstr ""\n',
        encoding="utf-8",
    )
    assert i18n.texts(tmp_path, "pl").gettext("My list") == "Moja lista"
    assert i18n.texts(tmp_path, "en").gettext("My list") == "My list"
    with pytest.raises(FileNotFoundError):
        i18n.texts(tmp_path, "he")
    assert i18n.missing(tmp_path, "pl", ["My list", "Done", "Undo"]) == ["Done", "Undo"]
