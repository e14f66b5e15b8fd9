"""A shop is backed up while it works, lost, and put back on another disk.

What was said before the backup is there again: carts, the phone's key to them, devices and
their credentials. On SQLite and on PostgreSQL, with the commands of docs/deploy.md.
"""

import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from cart.kernel.errors import Unavailable
from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import products
from firmware_sim.shop import Shop
from tests.real.postgres import PostgresServer, client_programs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
LAMP, MUG, TOTE = (str(Gtin.parse(one.variants[0].gtin)) for one in products(7)[:3])
HERE = "harbour-street"


@pytest.fixture(params=["sqlite", "postgresql"])
def surroundings(request: pytest.FixtureRequest) -> Iterator[list[dict[str, str]]]:
    """The settings of the shop before, and of the one after: PostgreSQL's is another database."""
    if request.param == "sqlite":
        yield [{}, {}]
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    path = f"{client_programs()}{os.pathsep}{os.environ['PATH']}"
    with ExitStack() as stack:
        urls = [stack.enter_context(server.database(one)) for one in ("template0", "template0")]
        yield [{"DATABASE_URL": url, "PATH": path} for url in urls]


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """Connections of phones, closed at the end."""
    with ExitStack() as stack:
        yield stack


def add(phone: httpx2.Client, gtin: str) -> None:
    """Put one piece on the phone's list."""
    phone.post(
        "/api/v1/cart/lines",
        json={"gtin": gtin, "quantity": 1},
        headers={"Idempotency-Key": str(uuid.uuid4())},
    ).raise_for_status()


def pieces(phone: httpx2.Client) -> dict[str, int]:
    """Return the phone's list: pieces by GTIN."""
    lines = phone.get("/api/v1/cart").raise_for_status().json()["lines"]
    return {line["gtin"]: line["quantity"] for line in lines}


def test_what_was_backed_up_is_there_again(
    surroundings: list[dict[str, str]],
    carryover_feeds: Path,
    tmp_path: Path,
    clients: ExitStack,
) -> None:
    """Backed up in the middle of work; what came later is lost, nothing is half there."""
    before = Shop(tmp_path / "before", settings=surroundings[0])
    before.take_feeds(carryover_feeds)
    before.start()
    saved = tmp_path / "monday"
    done = threading.Event()
    busy: list[int] = []

    def go_on_shopping() -> None:
        with httpx2.Client(base_url=before.url) as other:
            while not done.is_set():
                add(other, MUG)
                busy.append(pieces(other)[MUG])

    try:
        token = before.token(HERE)
        phone = clients.enter_context(httpx2.Client(base_url=before.url))
        add(phone, LAMP)
        neighbour = threading.Thread(target=go_on_shopping)
        neighbour.start()
        said = before.command("gateway.cli", "backup", str(saved))
        done.set()
        neighbour.join()
        add(phone, TOTE)
        assert pieces(phone) == {LAMP: 1, TOTE: 1}
    finally:
        done.set()
        before.stop()
    assert busy == list(range(1, len(busy) + 1))
    assert "backed up" in said
    assert (saved.stat().st_mode & 0o077) == 0

    after = Shop(tmp_path / "after", settings=surroundings[1])
    assert "restored" in after.command("gateway.cli", "restore", str(saved))
    with pytest.raises(Unavailable, match=r"is there already|already exists|not empty"):
        after.command("gateway.cli", "restore", str(saved))
    after.start()
    try:
        again = clients.enter_context(httpx2.Client(base_url=after.url, cookies=phone.cookies))
        assert pieces(again) == {LAMP: 1}
        add(again, TOTE)
        assert pieces(again) == {LAMP: 1, TOTE: 1}
        assert token != after.token(HERE)
        assert "0 rows with a difference" in after.command("inventory_api.cli", "reconcile")
    finally:
        after.stop()


def test_a_damaged_or_half_made_backup_is_refused_before_anything_is_written(
    tmp_path: Path,
) -> None:
    """A flipped byte, a missing file, a folder that is no backup: said, and nothing is there."""
    shop = Shop(tmp_path / "shop")
    shop.command("gateway.cli", "migrate")
    saved = tmp_path / "saved"
    shop.command("gateway.cli", "backup", str(saved))
    with pytest.raises(Unavailable, match="is not empty"):
        shop.command("gateway.cli", "backup", str(saved))
    with pytest.raises(Unavailable, match="lies within"):
        shop.command("gateway.cli", "backup", str(tmp_path / "shop" / "copies"))
    other = Shop(tmp_path / "other")
    database = saved / "carryover.db"
    whole = database.read_bytes()
    database.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with pytest.raises(Unavailable, match="is not what was backed up"):
        other.command("gateway.cli", "restore", str(saved))
    database.unlink()
    with pytest.raises(Unavailable, match="is missing"):
        other.command("gateway.cli", "restore", str(saved))
    (saved / "backup.json").unlink()
    with pytest.raises(Unavailable, match="was not finished"):
        other.command("gateway.cli", "restore", str(saved))
    assert not list((tmp_path / "other").glob("*.db"))
    database.write_bytes(whole)
