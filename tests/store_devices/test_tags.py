"""RFID tags: what an EPC says, and what was brought into a room, measured on simulated rounds."""

from hypothesis import given
from hypothesis import strategies as st

from cart.kernel.epc import gtin_of
from cart.kernel.gtin import Gtin, check_digit
from firmware_sim.tags import SimulatedTagReader, epc_of
from store_devices.tags.brought_in import ROUNDS, BroughtIn

GTINS = (
    st.text("0123456789", min_size=13, max_size=13)
    .filter(lambda payload: bool(payload.strip("0")))
    .map(lambda payload: Gtin(payload + str(check_digit(payload))))
)
# Bits and digits of the company prefix, by partition, as in the standard's table 14-2.
COMPANIES = ((40, 12), (37, 11), (34, 10), (30, 9), (27, 8), (24, 7), (20, 6))
LAMP, MUG = Gtin("4006381333931"), Gtin("96385074")


def test_the_standards_own_example() -> None:
    """GS1 EPC Tag Data Standard: urn:epc:id:sgtin:0614141.812345.6789."""
    assert gtin_of(bytes.fromhex("3074257BF7194E4000001A85")) == "80614141123458"


@given(GTINS, st.integers(0, 6), st.integers(0, 2**38 - 1))
def test_whatever_the_company_is_called(gtin: Gtin, partition: int, serial: int) -> None:
    """Each length of a company prefix leads back to the number that it is part of."""
    bits, digits = COMPANIES[partition]
    item = gtin[0] + gtin[1 + digits : 13]
    coded = 0x30 << 6 | 1 << 3 | partition
    coded = (coded << bits | int(gtin[1 : 1 + digits])) << (44 - bits) | int(item)
    assert gtin_of((coded << 38 | serial).to_bytes(12)) == gtin
    if partition == 5:
        assert epc_of(gtin, serial) == (coded << 38 | serial).to_bytes(12)


@given(st.binary(max_size=30))
def test_any_other_tag_says_nothing_or_a_whole_number(epc: bytes) -> None:
    """Bytes of another maker's form, cut off, or beyond the digits: None, never an error."""
    found = gtin_of(epc)
    assert found is None or Gtin(found) == found


def told(seed: int) -> tuple[list[Gtin], set[Gtin]]:
    """Return what a room tells of two seconds of a visit, and what the rails outside have."""
    reader, room = SimulatedTagReader(seed), BroughtIn()
    rails = [Gtin(f"{number:07}" + str(check_digit(f"{number:07}"))) for number in range(1, 41)]
    reader.outside = {epc_of(gtin, seed) for gtin in rails}
    for _ in range(ROUNDS):
        room.empty(reader.read() or ())
    reader.inside = {epc_of(LAMP, 1), epc_of(LAMP, 2), epc_of(MUG, 1)}
    found = [gtin for _ in range(ROUNDS) for gtin in room.round(reader.read() or ())]
    return found, set(rails)


def test_what_is_brought_in_is_told_once_and_rails_outside_are_not() -> None:
    """Over 200 rooms of forty tags outside: both things are told, hardly ever a third."""
    missed = strangers = 0
    for seed in range(200):
        found, rails = told(seed)
        assert len(found) == len(set(found))  # two lamps are one code, told once
        missed += len({LAMP, MUG} - set(found))
        strangers += len(set(found) & rails)
    assert missed <= 4  # of 400
    assert strangers <= 45  # of 8,000: 23 are to be expected


def test_the_next_person_brings_in_her_own() -> None:
    """After the room was empty the same code is told again; what she left behind is not hers."""
    room, lamp, left = BroughtIn(), epc_of(LAMP, 1), epc_of(MUG, 9)
    for _ in range(ROUNDS):
        room.empty([])
    assert [gtin for _ in range(ROUNDS) for gtin in room.round([lamp, left])] == [MUG, LAMP]
    for _ in range(ROUNDS):
        room.empty([left])
    assert [gtin for _ in range(ROUNDS) for gtin in room.round([lamp, left])] == [LAMP]


def test_a_reader_that_is_closed_ends() -> None:
    """No round comes after it."""
    reader = SimulatedTagReader(1)
    reader.close()
    reader.close()
    assert reader.read() is None
