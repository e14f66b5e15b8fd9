"""A hand scanner as a keyboard wedge: lines of typed text, cleaned and bounded.

Owns the reading of the stream and the removal of what scanners put around a
code. It does not decide whether the text is a known code.
"""

import re
from collections.abc import Iterator
from typing import Final, TextIO

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import CODE_LENGTH_MAX, Gtin

LINE_LENGTH_MAX_CHARS: Final = CODE_LENGTH_MAX
"""A stuck key or a cat on the scanner types without end; what is longer than a code is dropped."""

_ENDS: Final = frozenset("\r\n\t")  # factory settings of scanners end a read with one of these
_AIM: Final = re.compile(r"\](?P<kind>[A-Za-z][0-9A-Za-z])")  # ISO/IEC 15424, ahead of the data
_GS1_KINDS: Final = frozenset({"C1", "e0", "d2", "Q3", "J1"})
_GTIN_ELEMENT: Final = re.compile(r"01(?P<gtin>\d{14})")  # GS1 application identifier 01


class WedgeScanner:
    """Reads a text stream (a serial line, standard input, a pipe) as a scanner's typing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def lines(self) -> Iterator[str]:
        """Yield one cleaned text per read; empty and overlong ones are left out."""
        typed: list[str] = []
        overlong = False
        while character := self._next():
            if character not in _ENDS:
                overlong = overlong or len(typed) == LINE_LENGTH_MAX_CHARS
                if not overlong:
                    typed.append(character)
                continue
            if not overlong and (text := clean("".join(typed))):
                yield text
            typed.clear()
            overlong = False
        if not overlong and (text := clean("".join(typed))):
            yield text

    def close(self) -> None:
        """Close the stream; ``lines`` ends at its next read."""
        self._stream.close()

    def _next(self) -> str:
        return "" if self._stream.closed else self._stream.read(1)


def clean(line: str) -> str:
    """Return the code in a typed line, without what the scanner added around it.

    Taken off: spaces and control characters at both ends (CR, LF, TAB, STX,
    ETX) and an AIM symbology identifier such as ``]E0``. When that identifier
    says GS1 and the data begins with a valid GTIN (application identifier 01),
    the 14 digits of the GTIN are what remains.
    """
    text = _trimmed(line)
    aim = _AIM.match(text)
    if aim is None:
        return text
    text = _trimmed(text[aim.end() :])
    if aim["kind"] in _GS1_KINDS and (element := _GTIN_ELEMENT.match(text)):
        try:
            return str(Gtin(element["gtin"]))
        except InvalidGtin:
            return text
    return text


def _trimmed(text: str) -> str:
    start, end = 0, len(text)
    while start < end and _is_blank(text[start]):
        start += 1
    while start < end and _is_blank(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_blank(character: str) -> bool:
    return character.isspace() or not character.isprintable()
