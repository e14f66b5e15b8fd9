"""Who has which wristband, as a test says: the registry, the resolver and the floor in one."""

from dataclasses import dataclass, field

from sqlmodel import Session

from gateway.ports import Holder, Whose
from gateway.presence.pressing import Pressing


def frame_of(number: int, presses: int = 0, battery: int = 80) -> bytes:
    """Return a frame of 17 bytes that stands for one band; nobody can read it but the test."""
    return bytes([1]) + number.to_bytes(8, "big") + bytes([presses, battery]) + bytes(6)


@dataclass
class KnownBands:
    """Implements ``gateway.ports.Bands``.

    ``places``: by receiver, the device it stands at; ``desks``: location and name of a desk;
    ``gates``: the location of a door.
    """

    places: dict[str, str] = field(default_factory=dict)
    desks: dict[str, tuple[str, str]] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    holders: dict[int, Holder] = field(default_factory=dict)
    pressing: Pressing = field(default_factory=Pressing)

    def lend(self, number: int, session_id: str, name: str = "Dana", **over: str) -> Holder:
        """Hand a band out to a shopper session; ``over`` is of the holder."""
        known = {"locale": "he", "loan_id": f"loan-{number}", **over}
        holder = Holder(
            number=number,
            session_id=session_id,
            customer_id=known.get("customer_id"),
            greeting=name,
            locale=known["locale"],
            follow=False,
            loan_id=known["loan_id"],
        )
        self.holders[number] = holder
        return holder

    def whose(self, db: Session, frame: bytes) -> Whose:
        """Look it up; the database is not asked. No time passes between two that are shown."""
        assert db.in_transaction()
        number, presses = int.from_bytes(frame[1:9], "big"), frame[9]
        return Whose(
            self.holders.get(number), pressed=self.pressing.show(number, frame, presses, 0.0)
        )

    def stands_at(self, db: Session, receiver_id: str) -> str | None:
        """Look it up."""
        assert db.in_transaction()
        return self.places.get(receiver_id)

    def desk_of(self, db: Session, receiver_id: str) -> tuple[str, str] | None:
        """Look it up."""
        assert db.in_transaction()
        return self.desks.get(receiver_id)

    def gate_of(self, db: Session, receiver_id: str) -> str | None:
        """Look it up."""
        assert db.in_transaction()
        return self.gates.get(receiver_id)

    def set_up(self, db: Session, *, location_id: str, command_id: str) -> int | None:
        """Take none in: what is set up over the air is tested with the registry itself."""
        assert db.in_transaction()
        del location_id, command_id
        return None
