"""Fills a database by SQL with what years leave behind: a catalogue, carts of past visits."""

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from cart.db import is_sqlite, unit_of_work
from cart.db.rows import INTEGER, TEXT, run
from tests.fakes.shop import LOCATION

CHUNK = 50_000
CATALOGUE = (
    """INSERT INTO product
       (id, name, name_i18n, description, description_i18n, category, brand)
       SELECT 'p' || number, 'Thing', '{}', '', '{}', '', '' FROM {rows} WHERE true""",
    """INSERT INTO variant
       (sku, gtin, product_id, colour, colour_i18n, colour_hex, size, material, active)
       SELECT 'S' || number, gtin, 'p' || number, '', '{}', '', '', '', true
       FROM {rows} WHERE true""",
    """INSERT INTO price (sku, currency, price_minor)
       SELECT 'S' || number, 'EUR', 1999 FROM {rows} WHERE true""",
)
# A past visit: its cart, session and binding, and what one scan left.
VISIT = (
    """INSERT INTO cart (id, version, latest_at_us, currency, created_at)
       SELECT 'old-' || number, 1, 1, 'EUR', :then FROM {rows} WHERE true""",
    """INSERT INTO shopper_session (id, cart_id, locale, created_at)
       SELECT 'old-' || number, 'old-' || number, 'en', :then FROM {rows} WHERE true""",
    """INSERT INTO binding
       (id, device_id, visit, session_id, location_id, started_at_us, last_event_at_us, ended_at,
        end_reason)
       SELECT 'old-' || number, 'tab-' || number % 1000, 'v' || number, 'old-' || number, :location,
       1, 1, :then, 'idle' FROM {rows} WHERE true""",
    """INSERT INTO device_event
       (device_id, event_id, spool, sequence, type, at_us, received_at_us)
       SELECT 'tab-' || number % 1000, 'e' || number, 's', number, 'carryover.item.scanned', 1, 1
       FROM {rows} WHERE true""",
    """INSERT INTO cart_operation
       (id, cart_id, version, gtin, sku, kind, quantity, at_us, received_at_us, source,
        price_minor, currency, location_id)
       SELECT 'old-' || number, 'old-' || number, 1, :gtin, 'S1', 'add', 1, 1, 1, '/devices/x',
       1999, 'EUR', :location FROM {rows} WHERE true""",
    """INSERT INTO cart_line
       (cart_id, gtin, sku, quantity, added_at_us, last_at_us, last_operation_id, price_minor,
        currency, location_id)
       SELECT 'old-' || number, :gtin, 'S1', 1, 1, 1, 'old-' || number, 1999, 'EUR', :location
       FROM {rows} WHERE true""",
)
_NUMBER = (("number", INTEGER),)
THEN = datetime(2026, 1, 5, 10, tzinfo=UTC)


def gtin_of(number: int) -> str:
    """Return a valid GTIN-14, another for each number below a hundred thousand million."""
    digits = f"02{number:011d}"
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def add_variants(engine: Engine, already: int, wanted: int) -> None:
    """Fill the catalogue from ``already`` variants up to ``wanted``: product, variant, price."""
    for start in range(already, wanted, CHUNK):
        rows = [(number, gtin_of(number)) for number in range(start, min(start + CHUNK, wanted))]
        with unit_of_work(engine) as db:
            for statement in CATALOGUE:
                run(db, statement, (*_NUMBER, ("gtin", TEXT)), rows)
    settle(engine)


def add_carts(engine: Engine, already: int, wanted: int) -> None:
    """Fill in past visits, from ``already`` up to ``wanted``."""
    extra = {"then": THEN, "location": LOCATION, "gtin": gtin_of(1)}
    for start in range(already, wanted, CHUNK):
        rows = [(number,) for number in range(start, min(start + CHUNK, wanted))]
        with unit_of_work(engine) as db:
            for statement in VISIT:
                named = {name: value for name, value in extra.items() if f":{name}" in statement}
                run(db, statement, _NUMBER, rows, named)
    settle(engine)


def settle(engine: Engine) -> None:
    """Let PostgreSQL look at its tables, as its own autovacuum does within a minute."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not is_sqlite(connection):
            connection.execute(text("ANALYZE"))
