"""Promises of pieces: reserved, allocated, handed over, or given back to everybody.

Satisfies ``cart.ports.StockKeeper``. Each verb is one guarded UPDATE for all SKUs
whose row count is the answer, with the ledger's entries beside it; a refusal undoes
all of it, also inside a unit of work that goes on. When a promise ends is the
caller's to say: nothing here looks at ``reserved_until``.

A promise knows its location. So pieces leave, and come free, where they were
promised, and nowhere else.
"""

from inventory_api.stock import allocating, ending, facts, handling, reserving


class Promises:
    """Keeps what is promised at every location. Has no state: the rows are the state."""

    available = staticmethod(facts.available)
    most = staticmethod(facts.most)
    reserve = staticmethod(reserving.reserve)
    reserve_many = staticmethod(reserving.reserve_many)
    allocate = staticmethod(allocating.allocate)
    allocate_many = staticmethod(allocating.allocate_many)
    release = staticmethod(ending.release)
    hand_over = staticmethod(ending.hand_over)
    take_back = staticmethod(handling.take_back)
    write_off = staticmethod(handling.write_off)
    note_picked = staticmethod(handling.note_picked)
    note_unpicked = staticmethod(handling.note_unpicked)
