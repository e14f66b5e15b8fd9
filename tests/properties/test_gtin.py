"""What is true of every GTIN."""

from hypothesis import example, given
from hypothesis import strategies as st

from cart.kernel.errors import InvalidGtin
from cart.kernel.gtin import LENGTHS, Gtin, check_digit

DIGITS = "0123456789"


@st.composite
def printed_codes(draw: st.DrawFn) -> str:
    """Draw a valid code of 8, 12, 13 or 14 digits, as it is printed."""
    length = draw(st.sampled_from(LENGTHS))
    payload = draw(st.text(DIGITS, min_size=length - 1, max_size=length - 1).filter(_not_zeros))
    return payload + str(check_digit(payload))


def _not_zeros(payload: str) -> bool:
    return bool(payload.strip("0"))


@given(printed_codes())
def test_printed_or_padded_it_is_the_same_gtin(code: str) -> None:
    """Reading what was printed, kept or shortened gives one and the same value."""
    gtin = Gtin(code)
    assert len(gtin) == 14
    assert Gtin(gtin) == Gtin(str(gtin)) == Gtin(gtin.shortest) == gtin
    assert Gtin.parse(gtin.link("https://shop.example")) == gtin
    assert gtin.endswith(code)


@given(printed_codes(), st.data())
def test_one_wrong_digit_is_always_seen(code: str, data: st.DataObject) -> None:
    """The check digit catches every single misread digit."""
    place = data.draw(st.integers(0, len(code) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in DIGITS if digit != code[place]]))
    misread = code[:place] + wrong + code[place + 1 :]
    try:
        Gtin(misread)
    except InvalidGtin:
        return
    msg = f"{misread} passed for {code}"
    raise AssertionError(msg)


@example("http://[")
@given(st.text(max_size=60) | st.text(DIGITS, max_size=20) | st.from_regex(r"https?://[ -~]{0,40}"))
def test_any_text_is_a_gtin_or_refused_as_one(text: str) -> None:
    """Whatever stands in a QR code, nothing but InvalidGtin comes out."""
    for read in (Gtin.parse, Gtin.from_upc_e):
        try:
            gtin = read(text)
        except InvalidGtin:
            continue
        assert len(gtin) == 14
        assert check_digit(gtin[:-1]) == int(gtin[-1])
