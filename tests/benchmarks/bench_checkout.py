"""Requests per second and their times, beside a bare FastAPI route in the same run.

Add a line, read stock, open a checkout, complete a checkout; at 1, 8 and 32
clients; one API process on a database, clients on raw sockets. The rounds
alternate with the bare route, so that the ratio holds when the machine's speed
drifts. Prints JSON lines: {"name", "value", "unit"}.
"""

import argparse
import asyncio
import json
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from sqlalchemy import text

from cart.db import make_engine, unit_of_work
from cart.db.migrate import upgrade
from firmware_sim.shop import Shop
from mobile_api.payment.sandbox.signing import HEADER, secret_of, sign
from tests.benchmarks.http_load import Act, Connection, Measured, measured
from tests.fakes.shop import ARTICLES, LOCATION, stock_catalogue
from tests.real import postgres
from tests.real.ports import free_port, wait_for_port

CLIENTS = (1, 8, 32)
HOST = "127.0.0.1"
BARE = Path(__file__).with_name("bare_route.py")
ON_HAND = 900_000  # nothing sells out while the figures are about speed
LINES_PER_CART = 4  # then the next person
WARM_UP = 60
# Tests have it off. Without it, what was planned while a table was empty is never planned anew.
CONFIGURATION = f"{postgres.CONFIGURATION}autovacuum = on\nautovacuum_naptime = 5s\n"
SECRET = "a key of the benchmark, forty characters long"


def say(name: str, value: float, unit: str) -> None:
    """Print one figure."""
    sys.stdout.write(json.dumps({"name": name, "value": round(value, 3), "unit": unit}) + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Figure:
    """One act to measure; ``share``: of one round's acts, since some are slow."""

    name: str
    act: Act
    share: float = 1.0
    shoppers: bool = False  # each act needs somebody with a full cart


async def bare(connection: Connection, _number: int) -> str:
    """Ask the bare route."""
    status, _ = await connection.ask("GET", "/bare")
    return "" if status == 200 else f"bare: {status}"


async def add_line(connection: Connection, number: int) -> str:
    """Put an article into a cart; every few lines another person comes."""
    if number % LINES_PER_CART == 0:
        connection.cookie = ""
    gtin = ARTICLES[number % len(ARTICLES)][0]
    body = json.dumps({"gtin": gtin, "quantity": 1, "location_id": LOCATION}).encode()
    status, answer = await connection.ask(
        "POST", "/api/v1/cart/lines", body=body, key=secrets.token_hex(16)
    )
    return "" if status == 201 else f"add: {status} {answer[:200]!r}"


_STOCK = json.dumps({"skus": [one[1] for one in ARTICLES], "location_ids": [LOCATION]}).encode()


async def read_stock(connection: Connection, _number: int) -> str:
    """Ask for the availability of three SKUs."""
    status, answer = await connection.ask("POST", "/api/v1/availability", body=_STOCK)
    return "" if status == 200 else f"stock: {status} {answer[:200]!r}"


class Shoppers:
    """People with one line in the cart each: every checkout needs one of her own."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def come(self, ports: Sequence[int], count: int) -> None:
        """Let ``count`` people put something into their carts, before the clock runs."""

        async def fill(connection: Connection, number: int) -> str:
            connection.cookie = ""
            wrong = await add_line(connection, LINES_PER_CART * number)
            self._waiting.append(connection.cookie)
            return wrong

        run(ports, fill, 32, count)

    async def open_checkout(self, connection: Connection, _number: int) -> str:
        """Open the checkout of somebody's cart."""
        connection.cookie = self._waiting.pop()
        status, answer = await connection.ask(
            "POST", "/api/v1/checkouts", body=b"{}", key=secrets.token_hex(16)
        )
        return "" if status == 201 else f"open: {status} {answer[:200]!r}"

    async def complete_checkout(self, connection: Connection, _number: int) -> str:
        """Open, pay, and take in the provider's signed message: an order stands in the database.

        The bank's page is the bank's; its message is sent from here.
        """
        connection.cookie = self._waiting.pop()
        status, answer = await connection.ask(
            "POST", "/api/v1/checkouts", body=b"{}", key=secrets.token_hex(16)
        )
        if status != 201:
            return f"open: {status} {answer[:200]!r}"
        checkout = json.loads(answer)
        total = checkout["totals"]["total"]["minor"]
        body = json.dumps({"total_minor": total}).encode()
        path = f"/api/v1/checkouts/{checkout['id']}/pay"
        status, answer = await connection.ask("POST", path, body=body, key=secrets.token_hex(16))
        if status != 200:
            return f"pay: {status} {answer[:200]!r}"
        ref = json.loads(answer)["redirect_url"].rpartition("/")[2]
        told = json.dumps(
            {
                "id": secrets.token_hex(12),
                "created_at": datetime.now(UTC).isoformat(),
                "payment": {
                    "ref": ref,
                    "reference": ref,
                    "amount_minor": total,
                    "currency": "EUR",
                    "state": "captured",
                },
            }
        ).encode()
        signature = sign(secret_of(SECRET.encode()), told, datetime.now(UTC))
        status, answer = await connection.ask(
            "POST",
            "/api/v1/payments/sandbox/webhook",
            body=told,
            extra=f"{HEADER}: {signature}\r\n",
        )
        return "" if status == 200 else f"webhook: {status} {answer[:200]!r}"


SHOPPERS = Shoppers()
FIGURES = (
    Figure("add_line", add_line),
    Figure("read_stock", read_stock),
    Figure("open_checkout", SHOPPERS.open_checkout, 0.5, shoppers=True),
    Figure("complete_checkout", SHOPPERS.complete_checkout, 0.2, shoppers=True),
)


@contextmanager
def bare_server() -> Iterator[int]:
    """Run the bare route; yield its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, str(BARE), str(port)])
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def apis(folder: Path, url: str, count: int) -> Iterator[list[int]]:
    """Run APIs on a database with a catalogue and plenty of stock; yield their ports."""
    engine = make_engine(url)
    upgrade(engine)
    stock_catalogue(engine)
    with unit_of_work(engine) as db:
        for _, sku, _, _ in ARTICLES:
            values = {"location": LOCATION, "sku": sku, "pieces": ON_HAND}
            db.execute(
                text(
                    "INSERT INTO stock (location_id, sku, on_hand, reserved, allocated,"
                    " safety_stock, version, changed_at_us)"
                    " VALUES (:location, :sku, :pieces, 0, 0, 0, 1, 1)"
                ),
                values,
            )
            db.execute(
                text(
                    "INSERT INTO movement (location_id, sku, delta, reason, at_us)"
                    " VALUES (:location, :sku, :pieces, 'received', 1)"
                ),
                values,
            )
    engine.dispose()
    parts = ["api", *(f"api-{number}" for number in range(2, count + 1))]
    shop = Shop(
        folder,
        settings={"DATABASE_URL": url, "SECRET_KEY": SECRET},
        parts=["gateway", *parts],
    )
    try:
        shop.start()
        yield [shop.http_port(part) for part in parts]
    finally:
        shop.stop()


def run(ports: Sequence[int], act: Act, clients: int, acts: int) -> Measured:
    """Measure, and end the run if anything was answered otherwise than it should be."""
    found = asyncio.run(measured(HOST, ports, clients=clients, acts=acts, act=act))
    if found.wrong:
        sys.exit(f"{len(found.wrong)} wrong answers: {found.wrong[0]}")
    return found


def _measured(ports: Sequence[int], figure: Figure, clients: int, acts: int) -> Measured:
    if figure.shoppers:
        SHOPPERS.come(ports, acts)
    return run(ports, figure.act, clients, acts)


def compare(kind: str, ports: Sequence[int], bare_port: int, chosen: argparse.Namespace) -> None:
    """Measure every act at every number of clients, each beside the bare route."""
    for figure in FIGURES:
        if chosen.only and figure.name not in chosen.only:
            continue
        _measured(ports, figure, 4, max(4, int(WARM_UP * figure.share)))
        for clients in CLIENTS:
            acts = max(clients, int(chosen.acts * figure.share * (0.3 if clients == 1 else 1)))
            ours: list[Measured] = []
            shares: list[float] = []
            for _ in range(chosen.rounds):
                floor = run([bare_port], bare, clients, chosen.acts)
                ours.append(_measured(ports, figure, clients, acts))
                shares.append(ours[-1].rate / floor.rate)
            name = f"{figure.name}.{kind}.clients_{clients}"
            say(f"{name}.rate", statistics.median(one.rate for one in ours), "per s")
            p99 = statistics.median(one.percentile_ms(0.99) for one in ours)
            say(f"{name}.p99", p99, "ms")
            say(f"{name}.share_of_bare", statistics.median(shares), "ratio")


def main() -> None:
    """Measure on PostgreSQL, and on SQLite if asked to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--acts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=[one.name for one in FIGURES])
    parser.add_argument("--apis", type=int, default=1, help="processes of the API, PostgreSQL only")
    parser.add_argument("--sqlite", action="store_true", help="on SQLite too")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        postgres.running_postgres(CONFIGURATION) as server,
        bare_server() as bare_port,
    ):
        server.make_template(lambda _url: None)
        with server.database() as url, apis(Path(name) / "postgresql", url, chosen.apis) as ports:
            compare("postgresql", ports, bare_port, chosen)
        if chosen.sqlite:
            folder = Path(name) / "sqlite"
            folder.mkdir()
            with apis(folder, f"sqlite:///{folder}/bench.db", 1) as ports:
                compare("sqlite", ports, bare_port, chosen)


if __name__ == "__main__":
    main()
