"""Whatever somebody does to the audit log's rows, it no longer fits together."""

from dataclasses import asdict, replace
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from cart.audit.model import FIELDS, Entry, Head, examined, seal

WORDS = st.text("abcdefghij_.:", max_size=12)
NUMBERS = st.integers(0, 2**53)
TEXT_FIELDS = tuple(one for one in FIELDS if one not in {"seq", "at_us", "previous", "hash"})


@st.composite
def chains(draw: st.DrawFn) -> list[Entry]:
    """Return a log as it was written."""
    entries: list[Entry] = []
    head = Head()
    for _ in range(draw(st.integers(1, 8))):
        facts: dict[str, Any] = {name: draw(WORDS) for name in TEXT_FIELDS}
        whole = {
            "seq": head.seq + 1,
            "at_us": draw(NUMBERS),
            **facts,
            "previous": head.hash,
        }
        entries.append(Entry(**whole, hash=seal(whole)))
        head = Head(entries[-1].seq, entries[-1].hash)
    return entries


def head_of(entries: list[Entry]) -> Head:
    """Return a chain's head."""
    return Head(entries[-1].seq, entries[-1].hash)


def in_order(entries: list[Entry]) -> list[Entry]:
    """Return entries as a select by number gives them."""
    return sorted(entries, key=lambda one: one.seq)


@given(chains())
def test_what_nobody_touched_is_intact(entries: list[Entry]) -> None:
    """Through the last one; and any head that was ever printed is still in it."""
    for one in entries:
        found = examined(entries, Head(one.seq, one.hash))
        assert (found.head, found.fault) == (head_of(entries), "")


@given(st.data(), chains())
def test_any_alteration_of_any_field_of_any_entry_is_found(
    data: st.DataObject, entries: list[Entry]
) -> None:
    """At that entry, or where its number puts it."""
    at = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from(FIELDS))
    was = getattr(entries[at], name)
    value: Any = data.draw(st.integers(-5, 2**53) if isinstance(was, int) else WORDS)
    assume(value != was)
    changed: dict[str, Any] = {name: value}
    entries[at] = replace(entries[at], **changed)
    found = examined(in_order(entries))
    assert found.fault
    assert found.head.seq <= at


@given(st.data(), chains())
def test_altered_and_sealed_again_is_found_too(data: st.DataObject, entries: list[Entry]) -> None:
    """By the entry after it; of the last one, by a head that was kept."""
    at = data.draw(st.integers(0, len(entries) - 1))
    kept = head_of(entries)
    name = data.draw(st.sampled_from((*TEXT_FIELDS, "previous")))
    value = data.draw(WORDS)
    assume(value != getattr(entries[at], name))
    facts = asdict(entries[at]) | {name: value}
    del facts["hash"]
    entries[at] = Entry(**facts, hash=seal(facts))
    assert examined(entries, kept).fault
    if at + 1 < len(entries):
        assert examined(entries).fault


@given(st.data(), chains())
def test_removed_swapped_and_doubled_entries_are_found(
    data: st.DataObject, entries: list[Entry]
) -> None:
    """Also when the numbers are made to fit."""
    assume(len(entries) > 1)
    at = data.draw(st.integers(0, len(entries) - 2))
    removed = [*entries[:at], *entries[at + 1 :]]
    closed = [replace(one, seq=number) for number, one in enumerate(removed, 1)]
    swapped = [*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]]
    renamed = [replace(one, seq=number) for number, one in enumerate(swapped, 1)]
    doubled = [*entries[: at + 1], *entries[at:]]
    pushed = [replace(one, seq=number) for number, one in enumerate(doubled, 1)]
    for changed in (removed, closed, swapped, renamed, doubled, pushed):
        assert examined(changed).fault


@given(st.data(), chains())
def test_a_cut_end_is_found_by_a_kept_head(data: st.DataObject, entries: list[Entry]) -> None:
    """And by nothing else: what is left was written so."""
    left = data.draw(st.integers(0, len(entries) - 1))
    cut = entries[:left]
    assert examined(cut).fault == ""
    assert "missing at the end" in examined(cut, head_of(entries)).fault
