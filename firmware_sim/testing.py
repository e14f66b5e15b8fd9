"""The shop that a test gets: servers, and tablets, phones and letters by plain words.

Owns what the pytest plugin hands out. Everything in it is real but the hardware.
"""

import email
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final, NamedTuple

from cart.kernel.errors import Unavailable
from firmware_sim.goods import generate
from firmware_sim.phone import Phone
from firmware_sim.shop import Part, Shop
from firmware_sim.tablet import Conditions, SimTablet
from firmware_sim.timing import Moments

WAIT_S: Final = 20.0  # on a busy machine
COUNT_WAIT_S: Final = 60.0  # a command line of the gateway's, until it falls between two healths
PAUSE_S: Final = 0.05
# Tests do not want to wait as people do: three receipts a second would still be generous.
RESEND_AFTER_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that was sent."""

    to: str
    subject: str
    text: str
    html: str


class Count(NamedTuple):
    """What a tablet numbered, through which number it is stored, and how many events that is."""

    numbered: int
    stored_through: int
    events: int

    @property
    def exact(self) -> bool:
        """Whether every event is stored, and once."""
        return self.numbered == self.stored_through == self.events


@dataclass(slots=True)
class TakenTablet:
    """A tablet in a shopper's hands."""

    device: SimTablet
    visit: int = field(default=0)

    def scan(self, *gtins: str) -> None:
        """Hold one barcode after the other before the camera, each until it is on the list.

        Raises:
            Unavailable: one was not read.
        """
        for gtin in gtins:
            self.device.scan(gtin)

    @property
    def lines(self) -> dict[str, int]:
        """Pieces by GTIN (14 digits), as the screen shows them."""
        return self.device.screen.look().lines

    @property
    def link(self) -> str:
        """The claim link, read from the QR code on the screen; waited for if it is not there yet.

        Raises:
            Unavailable: a phone has the list already, or none came.
        """
        return self.device.link()

    @property
    def text(self) -> str:
        """Every word on the screen."""
        return self.device.screen.look().text

    def touch(self, name: str, **fields: str) -> None:
        """Tap a button by what it sends; see :meth:`firmware_sim.finger.Finger.touch`."""
        self.device.screen.touch(name, **fields)

    def remove(self, gtin: str) -> None:
        """Take a line off the list."""
        self.touch("remove", gtin=gtin)

    def mail_to(self, address: str) -> None:
        """Ask for the list by e-mail."""
        self.touch("mail", email=address)

    def put_down(self) -> None:
        """Tap "Done", and see the screen cleared."""
        self.device.put_down()

    def wait_for_lines(self, lines: dict[str, int], wait_s: float = WAIT_S) -> None:
        """Return when the screen shows exactly this list."""
        self.device.screen.wait_for(lambda seen: seen.lines == lines, wait_s)

    def wait_until_delivered(self, wait_s: float = WAIT_S) -> None:
        """Return when the gateway has confirmed everything that this tablet ever said.

        Raises:
            Unavailable: its spool still holds something.
        """
        wait_until(
            lambda: len(self.device.spool) == 0, wait_s, f"{self.device.device_id}'s delivery"
        )


class RunningShop:
    """A shop in a temporary folder. ``open`` it, ``close`` it."""

    def __init__(
        self, folder: Path, *, location: str, settings: Mapping[str, str] | None = None
    ) -> None:
        self.server: Final = Shop(folder / "data", settings=settings)
        self.location: Final = location
        self.moments: Final = Moments()
        self._folder = folder
        self._tablets: list[SimTablet] = []
        self._phones: list[Phone] = []

    def open(self, feeds: Path) -> None:
        """Fill the shelves and start the servers.

        Raises:
            Unavailable: a feed is refused, or a server does not start.
        """
        self.server.take_feeds(feeds)
        self.server.start()

    def close(self) -> None:
        """End everything that was started, whatever state it is in."""
        try:
            for phone in self._phones:
                phone.close()
            for tablet in self._tablets:
                tablet.close()
        finally:
            self.server.stop()

    @property
    def url(self) -> str:
        """Address of the pages and the API."""
        return self.server.url

    def new_tablet(self, *, location: str = "", conditions: Conditions | None = None) -> SimTablet:
        """Enrol one more tablet and switch it on; it is online and knows the goods."""
        number = len(self._tablets) + 1
        tablet = SimTablet.enrol(
            self._folder / f"tablet-{number}",
            self.url,
            self.server.token(location or self.location, f"Tablet {number}"),
            seed=f"test {number}",
            conditions=conditions or Conditions(resend_after_s=RESEND_AFTER_S),
            moments=self.moments,
        )
        self._tablets.append(tablet)
        tablet.start()
        tablet.wait_ready()
        return tablet

    def take_tablet(self, tablet: SimTablet | None = None) -> TakenTablet:
        """Take up a tablet: this one, or the first (which is enrolled when there is none).

        One that was left behind in the middle of a visit, or switched off, as a
        failed test leaves it, is put in order first.

        Raises:
            Unavailable: it cannot be.
        """
        device = tablet or (self._tablets[0] if self._tablets else self.new_tablet())
        if device.left_behind:
            device.recover()
        device.screen.touch("begin")
        device.screen.wait_for(lambda seen: seen.phase == "visit")
        return TakenTablet(device)

    def phone(self, link: str = "", language: str = "en") -> Phone:
        """Return a phone; with ``link`` it has claimed that list, and hears its cart live."""
        phone = Phone(self.url, self.moments, language=language)
        self._phones.append(phone)
        if link:
            phone.claim(link)
            phone.listen()
            phone.wait_for(lambda one: bool(one.heard("cart")))
        return phone

    def mailbox(self) -> list[Letter]:
        """Return every mail that the shop has sent, oldest first."""
        files = (self.server.data_dir / "mail").glob("*.eml")
        return [_letter(path) for path in sorted(files, key=lambda path: path.stat().st_mtime_ns)]

    def wait_for_mail(self, to: str, wait_s: float = WAIT_S) -> Letter:
        """Return the mail to this address.

        Raises:
            Unavailable: none came.
        """
        wait_until(lambda: any(one.to == to for one in self.mailbox()), wait_s, f"mail to {to}")
        return next(one for one in self.mailbox() if one.to == to)

    def kill(self, part: Part) -> None:
        """End ``gateway`` or ``api`` as a power cut would."""
        self.server.kill(part)

    def restart(self, part: Part) -> None:
        """Start ``gateway`` or ``api`` again on the same port."""
        self.server.restart(part)

    def dead_letters(self) -> list[dict[str, object]]:
        """Return what could not be done, with its reason."""
        return self.server.dead_letters()

    def stored(self, tablet: SimTablet) -> tuple[int, int]:
        """Return through which number a tablet's spool is stored, and how many events that is."""
        for one in self.server.streams():
            if one["device_id"] == tablet.device_id and one["spool"] == tablet.spool.id:
                return int(one["stored_through"]), int(one["events"])
        return 0, 0

    def count(self, tablet: SimTablet, wait_s: float = COUNT_WAIT_S) -> Count:
        """Return what the tablet ever said and what the gateway has of it, of one moment.

        A tablet speaks by itself, too: its health, every 20 s. So it is counted
        again until everything had a receipt before, and nothing was said during it.

        Raises:
            Unavailable: something it said never got a receipt.
        """
        deadline = time.monotonic() + wait_s
        while True:
            numbered, waiting = tablet.spool.sequence, len(tablet.spool)
            stored_through, events = self.stored(tablet)
            if not waiting and numbered == tablet.spool.sequence:
                return Count(numbered, stored_through, events)
            if time.monotonic() > deadline:
                msg = f"{tablet.device_id} still has {waiting} events without a receipt"
                raise Unavailable(msg)
            time.sleep(PAUSE_S)


def demo_feeds(folder: Path) -> Path:
    """Write the demo's feeds without pictures into ``folder``: a second instead of thirty."""
    generate(folder, with_pictures=False)
    return folder


def wait_until(holds: Callable[[], bool], wait_s: float, what: str) -> None:
    """Return as soon as ``holds()``.

    Raises:
        Unavailable: it did not come about.
    """
    deadline = time.monotonic() + wait_s
    while not holds():
        if time.monotonic() > deadline:
            msg = f"{what} did not come in {wait_s:.0f} s"
            raise Unavailable(msg)
        time.sleep(PAUSE_S)


def _letter(path: Path) -> Letter:
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    return Letter(
        str(message["To"]), str(message["Subject"]), _part(message, "plain"), _part(message, "html")
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
