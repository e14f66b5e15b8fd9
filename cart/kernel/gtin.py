"""GTIN: the number under a barcode, always 14 digits with a verified check digit.

Source of the rules: GS1 General Specifications, section 7.9 (check digit) and
GS1 Digital Link URI Syntax 1.4. Links and UPC-E are read with biip; the check
digit is computed here because every scan passes through it.
"""

from functools import lru_cache
from typing import Any, Final, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from cart.kernel.errors import InvalidGtin

LENGTHS: Final = (8, 12, 13, 14)
UPC_E_LENGTHS: Final = (6, 7, 8)
# A shop's fast sellers, at 100 bytes each: the check digit was a sixth of reading a scan.
REMEMBERED_CODES: Final = 16_384
CODE_LENGTH_MAX: Final = 2048  # a Digital Link with every attribute; longer is not a code


def check_digit(payload: str) -> int:
    """Return the GS1 check digit of ``payload`` (digits without their check digit).

    Weights 3 and 1 alternate from the right; the digit fills up to the next ten.
    """
    ones = sum(map(int, payload[-2::-2]))
    threes = sum(map(int, payload[-1::-2]))
    return -(ones + 3 * threes) % 10


class Gtin(str):
    """A 14-digit GTIN. ``Gtin(text)`` and :meth:`parse` verify; there is no other way to one."""

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Take 8, 12, 13 or 14 digits.

        Raises:
            InvalidGtin: another length, a character that is no digit, or a
                check digit that does not hold; the message says which.
        """
        if isinstance(text, cls):
            return text
        if not (text.isascii() and text.isdigit()):
            msg = f"{_shown(text)} is not a GTIN: it must be digits only"
            raise InvalidGtin(msg, text=_shown(text))
        if len(text) not in LENGTHS:
            msg = f"{_shown(text)} is not a GTIN: it has {len(text)} digits, not 8, 12, 13 or 14"
            raise InvalidGtin(msg, text=_shown(text))
        expected = check_digit(text[:-1])
        if expected != int(text[-1]):
            msg = f"{text} is not a GTIN: its check digit is {text[-1]}, it should be {expected}"
            raise InvalidGtin(msg, text=text, expected=expected)
        if not text.strip("0"):
            msg = f"{text} is not a GTIN: it is all zeros"
            raise InvalidGtin(msg, text=text)
        return super().__new__(cls, text.rjust(14, "0"))

    @classmethod
    def parse(cls, code: str) -> "Gtin":
        """Take digits as printed, or a GS1 Digital Link URI with a GTIN in it.

        Raises:
            InvalidGtin: neither, or the digits in it do not hold.
        """
        text = code.strip()
        if len(text) > CODE_LENGTH_MAX:
            msg = f"a code of {len(text)} characters is longer than {CODE_LENGTH_MAX}"
            raise InvalidGtin(msg, text=_shown(text))
        if text[:8].lower().startswith(("http://", "https://")):
            return cls(_gtin_of_link(text))
        return cls(text)

    @classmethod
    def from_upc_e(cls, text: str) -> "Gtin":
        """Expand a zero-suppressed UPC-E of 6, 7 or 8 digits.

        Raises:
            InvalidGtin: not a UPC-E.
        """
        # biip reads a table of all GS1 prefixes when it is imported: a fifth of a second.
        from biip import ParseError  # noqa: PLC0415
        from biip.upc import Upc  # noqa: PLC0415 - only readers of small packs need it

        msg = f"{_shown(text)} is not a UPC-E"
        if len(text) not in UPC_E_LENGTHS:
            raise InvalidGtin(msg, text=_shown(text))
        try:
            return cls(Upc.parse(text).as_upc_a())
        except ParseError as error:
            raise InvalidGtin(msg, text=_shown(text)) from error

    @property
    def shortest(self) -> str:
        """The digits as printed under the bars: GTIN-8, -12, -13 or -14 without padding."""
        for length in LENGTHS:
            if not self[: 14 - length].strip("0"):
                return self[14 - length :]
        return str(self)

    def link(self, domain: str) -> str:
        """Return the GS1 Digital Link of this GTIN at ``domain`` (``https://shop.example``)."""
        return f"{domain.rstrip('/')}/01/{self}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Let pydantic models declare a field as ``Gtin``; they accept what parse() accepts."""
        return core_schema.no_info_after_validator_function(
            _validated, core_schema.str_schema(max_length=CODE_LENGTH_MAX, strict=True)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the field in AsyncAPI and OpenAPI."""
        return {
            "type": "string",
            "title": "GTIN",
            "description": (
                "8, 12, 13 or 14 digits with a valid GS1 check digit, or a GS1 Digital Link URI;"
                " kept as 14 digits"
            ),
            "examples": ["4006381333931"],
        }


@lru_cache(maxsize=REMEMBERED_CODES)
def _remembered(digits: str) -> Gtin:
    return Gtin.parse(digits)


def _validated(text: str) -> Gtin:
    try:
        return _remembered(text) if len(text) in LENGTHS else Gtin.parse(text)
    except InvalidGtin as error:
        raise PydanticCustomError(error.code, "{message}", {"message": error.message}) from error


def _gtin_of_link(text: str) -> str:
    from biip import ParseError  # noqa: PLC0415 - rare, and large
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI  # noqa: PLC0415 - likewise

    try:
        for element in GS1DigitalLinkURI.parse(text).element_strings:
            if element.ai.ai == "01":
                return element.value
    except (ParseError, ValueError) as error:  # urllib raises the latter for "http://["
        msg = f"{_shown(text)} is not a GS1 Digital Link: {error}"
        raise InvalidGtin(msg, text=_shown(text)) from error
    msg = f"{_shown(text)} is a GS1 Digital Link without a GTIN"
    raise InvalidGtin(msg, text=_shown(text))


def _shown(text: str) -> str:
    """Return what was read, for a message: it may go into logs and to operators.

    No code has a space or an @ in it: that is what somebody typed into the wrong field.
    """
    if "@" in text or any(one.isspace() for one in text):
        return f"a text of {len(text)} characters"
    limit = 80
    return text if len(text) <= limit else text[:limit] + "…"
