"""The keyboard wedge: what scanners type around a code is taken off."""

from io import StringIO

import pytest

from store_devices.hardware import Scanner
from store_devices.scanner import LINE_LENGTH_MAX_CHARS, WedgeScanner, clean


def _lines(typed: str) -> list[str]:
    scanner: Scanner = WedgeScanner(StringIO(typed, newline=""))
    return list(scanner.lines())


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\t", "\r\n\r\n"])
def test_every_factory_line_end(end: str) -> None:
    """CR, LF and TAB end a read, alone or together; empty reads are none."""
    assert _lines(f"4006381333931{end}96385074{end}") == ["4006381333931", "96385074"]


def test_the_last_read_needs_no_line_end() -> None:
    """What was typed when the stream ends is a read."""
    assert _lines("4006381333931") == ["4006381333931"]


def test_a_line_without_end_is_dropped() -> None:
    """A stuck key gives nothing, and the next read is whole."""
    stuck = "7" * (LINE_LENGTH_MAX_CHARS + 1)
    assert _lines(f"{stuck}\r4006381333931\r") == ["4006381333931"]
    assert _lines(stuck) == []
    assert _lines("7" * LINE_LENGTH_MAX_CHARS) == ["7" * LINE_LENGTH_MAX_CHARS]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("]E04006381333931", "4006381333931"),
        ("\x02]E496385074\x03", "96385074"),
        ("  4006381333931\x00", "4006381333931"),
        ("]C10104006381333931", "04006381333931"),
        ("]C10104006381333932", "0104006381333932"),
        ("]C00104006381333931", "0104006381333931"),
        ("]d201040063813339311\x1d10LOT", "04006381333931"),
        ("]Q1https://shop.example/01/04006381333931", "https://shop.example/01/04006381333931"),
        ("]", "]"),
        ("\x1d", ""),
    ],
)
def test_prefixes_and_suffixes_go(typed: str, code: str) -> None:
    """AIM identifiers and control characters go; a GS1 symbol gives the GTIN in it."""
    assert clean(typed) == code


def test_a_closed_scanner_ends() -> None:
    """After close there is nothing to read."""
    scanner = WedgeScanner(StringIO("4006381333931\r", newline=""))
    scanner.close()
    assert list(scanner.lines()) == []
