"""How many sightings of wristbands a gateway takes in a second, from the message to the zone.

One shop with 36 receivers to 900 m² and hundreds of bands, each heard by the receivers around it
twice a second, as receivers gather it: messages of up to 200 sightings are decoded, resolved and
settled, changes are stored. Once with everybody followed through the shop, once with nobody: then
a band is only known. What the broker and the network cost is not in it; time is the processor's,
of one core.

Prints one JSON object per figure: ``{"name": …, "value": …, "unit": …}``.

    python tests/benchmarks/bench_sightings.py [--bands 600]
"""

import argparse
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # run as a file, without pytest

from sqlmodel import Session  # noqa: E402

from cart.db import make_engine, unit_of_work  # noqa: E402
from cart.db.migrate import upgrade  # noqa: E402
from cart.kernel.ids import SeededIds  # noqa: E402
from firmware_sim.bands.air import REFERENCE_DBM  # noqa: E402
from firmware_sim.bands.firmware import Band  # noqa: E402
from gateway.bands.model import Heard, OutBand  # noqa: E402
from gateway.floor.model import read_plan  # noqa: E402
from gateway.floor.service import draw  # noqa: E402
from gateway.mqtt import Incoming  # noqa: E402
from gateway.notices import Notice  # noqa: E402
from gateway.presence.leaving import Veil, Watch  # noqa: E402
from gateway.presence.model import Worn  # noqa: E402
from gateway.presence.oddities import Odd  # noqa: E402
from gateway.presence.service import Presence  # noqa: E402
from gateway.registry import service as registry  # noqa: E402
from gateway.registry.model import Enrolled  # noqa: E402
from gateway.wire.band import BandKey, BandState  # noqa: E402
from gateway.wire.codec import encode  # noqa: E402
from gateway.wire.events import HeardFrame  # noqa: E402
from gateway.wire.sightings import SIGHTINGS_MAX, Sightings  # noqa: E402
from gateway.wire.topics import Channel  # noqa: E402
from tests.fakes.clock import FakeClock  # noqa: E402

HERE = "mill-lane"
SIDE = 6  # receivers, and zones of 5 m
HEARD_WITHIN_M = 12.0
SECONDS = 10
TURN_S = 0.5


@dataclass(frozen=True)
class Wearers:
    """Stands for the registry of bands."""

    bands: Sequence[Worn]

    def worn(self, _db: Session) -> Sequence[Worn]:
        """Return the bands that are out."""
        return self.bands

    def watches(self, _db: Session) -> set[Watch]:
        """Return nobody: no tablet is in use."""
        return set()

    def lost(self, _db: Session) -> Sequence[OutBand]:
        """Return nothing: no band was lost."""
        return ()

    def odd(self, _db: Session, _found: Sequence[Odd]) -> Iterable[Notice]:
        """Return nothing: what is odd is of no matter here."""
        return ()

    def note(self, _db: Session, heard: Sequence[Heard]) -> None:
        """Keep nothing."""

    def came(self, _db: Session, _location_ids: Sequence[str]) -> Iterable[Notice]:
        """Return nothing: nobody was called."""
        return ()

    def veiled(self, _db: Session, _veils: Sequence[Veil]) -> Iterable[Notice]:
        """Return nothing: nobody had a tablet."""
        return ()

    def left(self, _db: Session, _gone: Sequence[Watch]) -> Iterable[Notice]:
        """Return nothing: nobody had a tablet."""
        return ()


def report(name: str, value: float, unit: str) -> None:
    """Print a figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


def _messages(
    bands: Sequence[Band],
    places: Sequence[tuple[float, float]],
    receivers: Sequence[tuple[Enrolled, tuple[float, float]]],
    now_s: float,
    rng: random.Random,
) -> list[tuple[str, bytes, int]]:
    clock = FakeClock()
    made = []
    for device, hung in receivers:
        heard = []
        for band, place in zip(bands, places, strict=True):
            away_m = math.dist(hung, place)
            if away_m < HEARD_WITHIN_M:
                dbm = REFERENCE_DBM - 22 * math.log10(max(away_m, 0.2)) + rng.gauss(0, 3)
                frame = band.advert(now_s).payload[-17:]
                heard.append(HeardFrame.model_construct(frame=frame, dbm=round(dbm, 1), packets=3))
        for first in range(0, len(heard), SIGHTINGS_MAX):
            some = tuple(heard[first : first + SIGHTINGS_MAX])
            payload = encode(Sightings.model_construct(at=clock.now(), heard=some))
            made.append((device.address.topic(Channel.SIGHTINGS), payload, len(some)))
    return made


def _rate(number: int, *, follow: bool) -> tuple[float, int]:
    """Return sightings a second that are taken in, and how many there were."""
    rng = random.Random(5)
    clock, ids = FakeClock(), SeededIds(5)
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/bench.db")
        upgrade(engine)
        lines = []
        with unit_of_work(engine) as db:
            receivers = []
            for place in range(SIDE * SIDE):
                column, row = place % SIDE, place // SIDE
                token = registry.enrol(db, clock, ids, kind="receiver", location_id=HERE, name="r")
                device = registry.redeem(db, clock, ids, token=token)
                at = (5.0 * column + 2.5, 5.0 * row + 2.5)
                receivers.append((device, at))
                area = [5 * column, 5 * row, 5 * column + 5, 5 * row + 5]
                lines.append(
                    f'[[zone]]\nid = "z{place}"\nareas = [{area}]\n'
                    f'[[receiver]]\ndevice = "{device.device_id}"\nat = {list(at)}\n'
                )
            draw(db, HERE, read_plan("".join(lines).encode()))
        bands, worn = [], []
        for band in range(number):
            secret, clock_s = rng.randbytes(16), rng.uniform(0, 1e7)
            bands.append(Band(secret, clock_s - clock.monotonic(), state=BandState(80)))
            worn.append(Worn(band, f"l{band}", BandKey(secret), clock_s, 1.0, clock.now(), follow))
        presence = Presence(engine, clock, Wearers(worn), publish=lambda *_: None)
        places = [(rng.uniform(0, 30), rng.uniform(0, 30)) for _ in range(number)]
        presence.turn()
        spent_s, heard = 0.0, 0
        for turn in range(int((SECONDS + 2) / TURN_S)):
            messages = _messages(bands, places, receivers, clock.monotonic(), rng)
            began = time.process_time()
            for topic, payload, _ in messages:
                presence.put(Incoming(topic, payload, 0, 0, retain=False, generation=1))
            presence.turn()
            if turn * TURN_S >= 2:  # the first two seconds everybody arrives
                spent_s += time.process_time() - began
                heard += sum(some for _, _, some in messages)
            clock.advance(TURN_S)
        if presence.figures.dropped or presence.figures.resolved != presence.figures.sightings:
            msg = f"not all were taken in: {presence.figures}"
            raise AssertionError(msg)
        engine.dispose()
    return heard / spent_s, heard


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bands", type=int, default=600)
    number = parser.parse_args().bands
    for follow, name in ((False, "known only"), (True, "followed from zone to zone")):
        rate, heard = _rate(number, follow=follow)
        report(f"sightings a second of one core, {number} bands, {name}", rate, "/s")
        report(f"sightings a second that this shop makes, {name}", heard / SECONDS, "/s")


if __name__ == "__main__":
    main()
