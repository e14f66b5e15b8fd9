"""A GTIN is 14 digits with a verified check digit, however the code was printed."""

import pytest
from pydantic import BaseModel, ValidationError

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import CODE_LENGTH_MAX, Gtin, check_digit


class Scanned(BaseModel):
    """A model with a code in it, as messages have."""

    gtin: Gtin


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("96385074", "00000096385074"),  # GTIN-8
        ("036000291452", "00036000291452"),  # GTIN-12
        ("4006381333931", "04006381333931"),  # GTIN-13
        ("14006381333938", "14006381333938"),  # GTIN-14, a case of them
        (" 4006381333931\n", "04006381333931"),  # as a scanner types it
    ],
)
def test_each_length_is_kept_as_fourteen_digits(printed: str, kept: str) -> None:
    """Padding on the left changes no check digit."""
    assert Gtin.parse(printed) == kept
    assert Gtin(kept).shortest == printed.strip()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("4006381333932", "check digit is 2, it should be 1"),
        ("400638133393", "check digit"),
        ("40063813339", "11 digits"),
        ("140063813339381", "15 digits"),
        ("", "digits only"),
        (
            "40063813339\N{FULLWIDTH DIGIT THREE}1",
            "digits only",
        ),  # a full-width 3 is a digit to str.isdigit
        ("4006381-33393", "digits only"),
        ("00000000", "all zeros"),
        ("-4006381333931", "digits only"),
    ],
)
def test_what_is_no_gtin_is_refused_with_its_reason(text: str, why: str) -> None:
    """The message says what is wrong, for the person who typed it."""
    with pytest.raises(InvalidGtin, match=why):
        Gtin.parse(text)


@pytest.mark.parametrize("text", ["ada@example.org", "Ada Quay", "https://ada@shop.example/x"])
def test_what_was_meant_for_another_field_is_not_repeated(text: str) -> None:
    """Messages go into logs and to operators: an address or a name is not quoted in them."""
    with pytest.raises(InvalidGtin) as refused:
        Gtin.parse(text)
    said = f"{refused.value.message} {refused.value.data}"
    assert "ada" not in said.lower()
    assert f"a text of {len(text)} characters" in said


@pytest.mark.parametrize(
    "link",
    [
        "https://id.gs1.org/01/04006381333931",
        "http://shop.example/01/04006381333931/21/A7?17=270101",
        "https://shop.example/some/way/01/04006381333931",
        "HTTPS://SHOP.EXAMPLE/01/04006381333931",
    ],
)
def test_a_digital_link_carries_its_gtin(link: str) -> None:
    """GS1 Digital Link: application identifier 01 in the path, whatever the domain."""
    assert Gtin.parse(link) == "04006381333931"


def test_a_gtin_and_its_digital_link_are_the_same() -> None:
    """What we print into a QR code we also read."""
    gtin = Gtin("4006381333931")
    assert gtin.link("https://shop.example/") == "https://shop.example/01/04006381333931"
    assert Gtin.parse(gtin.link("https://shop.example")) == gtin


@pytest.mark.parametrize(
    "link",
    [
        "https://shop.example/00/006141411234567890",  # a pallet's number
        "https://shop.example/",
        "https://shop.example/01/04006381333932",
        "https://shop.example/c/5pQ2vT0c",
    ],
)
def test_a_link_without_a_good_gtin_is_refused(link: str) -> None:
    """Any QR code may be held before the camera."""
    with pytest.raises(InvalidGtin):
        Gtin.parse(link)


def test_a_text_without_end_is_not_even_looked_at() -> None:
    """A code longer than a Digital Link can be is refused, and not echoed in full."""
    with pytest.raises(InvalidGtin) as refused:
        Gtin.parse("1" * (CODE_LENGTH_MAX + 1))
    assert len(refused.value.message) < 200
    assert len(str(refused.value.data["text"])) < 100


@pytest.mark.parametrize(
    ("upc_e", "kept"),
    [
        ("425261", "00042100005264"),
        ("04252614", "00042100005264"),
        ("0425261", "00042100005264"),
    ],
)
def test_upc_e_is_expanded(upc_e: str, kept: str) -> None:
    """The zeros that a small pack leaves out come back (GS1 General Specifications 5.2.2.4)."""
    assert Gtin.from_upc_e(upc_e) == kept


@pytest.mark.parametrize("text", ["12345", "abcdef", "123456789", "04252615"])
def test_what_is_no_upc_e_is_refused(text: str) -> None:
    """Another length, letters, or a check digit that does not hold."""
    with pytest.raises(InvalidGtin):
        Gtin.from_upc_e(text)


def test_the_check_digit_is_the_one_in_the_specification() -> None:
    """The worked example of GS1 General Specifications 7.9.1."""
    assert check_digit("629104150021") == 3


def test_a_model_takes_what_parse_takes_and_refuses_the_rest() -> None:
    """A message's code is verified before anyone sees it; a number is no code."""
    assert Scanned.model_validate({"gtin": "4006381333931"}).gtin == "04006381333931"
    for wrong in ("4006381333932", 4006381333931, None, ["4006381333931"]):
        with pytest.raises(ValidationError):
            Scanned.model_validate({"gtin": wrong})
