"""A day in the shop with people whose names are known, and a search for them in all that came out.

Gateway, API and a tablet as processes, at the loudest level and with every trace kept; an
observer hears every topic. The day after, one reminder comes, and all of hers is erased. A second
test plants a name in each kind of output and finds it.
"""

import base64
import json
import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx2
import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from cart.kernel.errors import Refused, Unavailable
from cart.kernel.gtin import Gtin
from firmware_sim.asking import fill_in
from firmware_sim.buying import Buyer
from firmware_sim.goods.assortment import products
from firmware_sim.phone import Phone
from firmware_sim.picker import Picker
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.shop import Part
from firmware_sim.testing import RunningShop
from gateway.wire.events import EventType
from gateway.wire.tracing import make_tracer
from tests.journeys import next_day
from tests.journeys.next_day import NextDay
from tests.journeys.outputs import KINDS, LOG, MESSAGE, METRICS, PROBLEM, TOPIC, TRACE, URL, Outputs
from tests.journeys.test_cart_to_hands import HERE, always_open
from tests.journeys.test_traces import Collector, Tablet
from tests.real.broker import Mosquitto
from tests.real.mqtt_client import MqttClient
from tests.real.waiting import wait_until

VARIANTS: Final = [product.variants[0] for product in products(7)[:2]]
A, B = (str(Gtin.parse(one.gtin)) for one in VARIANTS)
WAIT_S: Final = 40.0
# Words that stand nowhere else: of the address, her list, her own and her street's name; of
# the staff, of a reason that they type, of whoever wrote a review.
ADDRESS: Final = "wilhelmina.quartermaine@dovecote.example"
NAMES: Final = (
    "wilhelmina", "quartermaine", "dovecote", "zephyrine", "ottoline", "marchbanks",
    "quillfeather", "thistlewood", "peregrine", "seraphina", "featherstone",
)  # fmt: skip
SETTINGS: Final = {"LOG_FORMAT": "json", "LOG_LEVEL": "debug", "OTEL_BSP_SCHEDULE_DELAY": "100"}
pytestmark = pytest.mark.timeout(420)


@dataclass
class Day:
    """The shop, what came out of it, and what opens something: cookies, codes, secrets."""

    shop: RunningShop
    collector: Collector
    observer: MqttClient
    tablet: Tablet
    outputs: Outputs = field(default_factory=Outputs)
    secrets: list[str] = field(default_factory=list)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    after: NextDay = field(default_factory=NextDay)

    def hear(self) -> list[tuple[str, bytes]]:
        """Return every message so far."""
        while not self.observer.received.empty():
            self.heard.append(self.observer.received.get())
        return self.heard

    def scrape(self) -> None:
        """Keep what the processes count."""
        parts: tuple[Part, ...] = ("gateway", "api")
        for part in parts:
            told = json.loads((self.shop.server.data_dir / "run" / f"{part}.json").read_text())
            url = f"http://127.0.0.1:{told['monitor_port']}/metrics"
            self.outputs.add(METRICS, part, httpx2.get(url, timeout=10).text)

    def collect(self, tablet_log: Path) -> None:
        """Keep logs, traces and messages; the processes have ended."""
        logs = set(self.shop.server.log_dir.glob("*.log"))
        # What an operator types at her own terminal, and reads there, is no log of a process.
        logs.remove(self.shop.server.log_dir / "commands.log")
        for log in [*sorted(logs), tablet_log]:
            self.outputs.add(LOG, log.name, log.read_text())
        for body in self.collector.bodies:
            self.outputs.add(TRACE, "collector", body)
        for topic, payload in self.hear():
            self.outputs.add(TOPIC, "observer", topic)
            # The one message that an address is for, and the broken ones that this test sends.
            if EventType.LIST_REQUESTED.encode() not in payload and not payload.startswith(b"!"):
                self.outputs.add(MESSAGE, topic, payload)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector of traces."""
    made = Collector()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def day(
    open_carryover_shop: OpenShop,
    carryover_feeds: Path,
    collector: Collector,
    tmp_path_factory: pytest.TempPathFactory,
) -> Day:
    """The day, over: everything has happened, and the processes have ended."""
    folder = tmp_path_factory.mktemp("day")
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    shop = open_carryover_shop(settings={**SETTINGS, **traced})
    pin, voucher = furnish(shop, carryover_feeds, folder)
    next_day.plan(shop, folder)
    key = (shop.server.data_dir / "broker.key").read_text().strip()
    with MqttClient(shop.server.mqtt_port, "observer", "server", key) as observer:
        assert observer.subscribe("#")
        tablet = Tablet(shop, folder / "tablet", TRACE_RATIO="1", **SETTINGS, **traced)
        made = Day(shop, collector, observer, tablet)
        made.secrets.append(voucher)
        try:
            come_back(made, live(made, pin, voucher))
            made.scrape()
        finally:
            tablet.stop()
        shop.server.stop()
        made.collect(folder / "tablet" / "tablet.log")
    return made


def furnish(shop: RunningShop, feeds: Path, folder: Path) -> tuple[str, str]:
    """Open the desk, with a review by somebody known; return a lead's PIN and a voucher's code."""
    told = (feeds / "reviews.jsonl").read_text(encoding="utf-8").splitlines()[0]
    review = {**json.loads(told), "author": "Peregrine Ashdown"}
    (folder / "reviews.jsonl").write_text(f"{json.dumps(review)}\n", encoding="utf-8")
    command = shop.server.command
    places = always_open(feeds, folder)
    next_day.at_noon(places)
    for feed in (places, folder / "reviews.jsonl"):
        command("inventory_api.cli", "import", str(feed))
    for one in VARIANTS:
        command("inventory_api.cli", "count", HERE, one.sku, "9", "--safety-stock", "0")
    command("mobile_api.cli", "terms", "set", HERE, "--tax-bp", "2300")
    lead = ("--location", HERE, "--number", "12", "--name", "Philippa Quillfeather")
    hired = command("mobile_api.cli", "staff", "add", *lead, "--lead")
    voucher = command("mobile_api.cli", "vouchers", "issue", "--amount", "5.00")
    return hired.split()[-1], voucher.strip()


def live(day: Day, pin: str, voucher: str) -> Phone:
    """Let it happen: from the tablet to the goods in hand, and what was refused on the way."""
    phone = from_tablet_to_phone(day)
    sign_in(day, phone)
    keep_lists(day, phone)
    decide(phone)
    plan_a_visit(phone)
    write_to_readers(day, phone)
    bought = buy(phone, voucher)
    hand_over(day, pin, bought)
    refused_at_the_api(day)
    refused_at_the_gateway(day)
    day.secrets += [one.partition("=")[2] for one in phone.cookies.split("; ")]
    return phone


def come_back(day: Day, phone: Phone) -> None:
    """Be reminded the next day; what its links open is hers alone. Then have all erased."""
    day.after = next_day.be_reminded(day.shop, phone, B, ADDRESS)
    day.secrets += [one.rpartition("/")[2].partition("?")[0] for one in day.after.links]
    next_day.take_along_and_go(day.after, day.shop, phone, ADDRESS)


def from_tablet_to_phone(day: Day) -> Phone:
    """Scan, take along, have the list mailed by the tablet; then a bad address there."""
    day.tablet.scan(A)
    link = day.tablet.screen.wait_for(lambda seen: seen.has_code, WAIT_S).link()
    assert link
    day.secrets.append(link.rpartition("/c/")[2].partition("?")[0])
    phone = day.shop.phone()
    day.outputs.watch(phone._http)  # noqa: SLF001 - whatever her phone asks
    phone.claim(link)
    phone.listen()
    phone.wait_for_lines({A: 1}, WAIT_S)  # it follows: what comes now is pushed, and traced
    day.tablet.scan(B)
    phone.wait_for_lines({A: 1, B: 1}, WAIT_S)
    day.tablet.screen.touch("mail", email=ADDRESS)
    day.shop.wait_for_mail(ADDRESS, WAIT_S)
    for bad in ("quartermaine at dovecote", f"{'quartermaine' * 30}@dovecote.example"):
        with suppress(Unavailable):
            day.tablet.screen.touch("mail", email=bad)
    return phone


def sign_in(day: Day, phone: Phone) -> None:
    """Ask for a code, mistype it, use it."""
    letters = len(day.shop.mailbox())
    assert phone.fill_in("/sign-in", {"email": ADDRESS}) == "/sign-in/code"
    wait_until(lambda: len(day.shop.mailbox()) > letters, WAIT_S)
    with pytest.raises(Refused):
        phone.fill_in("/sign-in/code", {"code": "quartermaine"})
    code = re.findall(r"\b\d{6}\b", day.shop.mailbox()[-1].text)
    assert phone.fill_in("/sign-in/code", {"code": code[0]}) == "/"
    assert ADDRESS in phone.page("/account")


def keep_lists(day: Day, phone: Phone) -> None:
    """Keep a list, name it, have it mailed; look at it by its link."""
    kept = phone.ask("POST", "/api/v1/lists", {"name": "Cradle for Zephyrine"})
    phone._json("PATCH", f"/api/v1/lists/{kept['id']}", json={"name": "Zephyrine, new"})  # noqa: SLF001
    letters = len(day.shop.mailbox())
    phone.ask("POST", f"/api/v1/lists/{kept['id']}/mail", {"email": ADDRESS})
    wait_until(lambda: len(day.shop.mailbox()) > letters, WAIT_S)
    assert "Zephyrine" in phone.page("/lists")
    assert "Zephyrine" in phone.page(kept["link"])
    bad: list[tuple[str, dict[str, Any]]] = [
        (f"/api/v1/lists/{kept['id']}/mail", {"email": "quartermaine at dovecote"}),
        (f"/api/v1/lists/{kept['id']}/mail", {"email": "quartermaine" * 40}),
        (f"/api/v1/lists/{kept['id']}/mail", {"email": ADDRESS, "locale": "zephyrine"}),
        ("/api/v1/lists", {"name": "Zephyrine" * 1_000}),
    ]
    for path, body in bad:
        with pytest.raises(Refused):
            phone.ask("POST", path, body)


def decide(phone: Phone) -> None:
    """Allow news by mail, and reminders, and look at the page that says so."""
    for one in phone.ask("GET", "/api/v1/consents")["purposes"]:
        if one["purpose"] in {"marketing_email", "reminders"}:
            wanted = {"granted": True, "wording": one["wording"], "seen": one["seen"]}
            path = f"/api/v1/consents/{one['purpose']}/decisions"
            assert phone.ask("POST", path, wanted)["granted"]
    assert "On" in phone.page("/privacy")


def plan_a_visit(phone: Phone) -> None:
    """Plan to come tomorrow at noon, under a name; say one that is too long."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    comes_at = (noon + timedelta(days=1)).isoformat()
    wanted = {"location_id": HERE, "comes_at": comes_at, "called": "Seraphina"}
    phone.ask("POST", "/api/v1/plan", wanted)
    with pytest.raises(Refused):
        phone.ask("POST", "/api/v1/plan", {**wanted, "called": "Seraphina" * 90})
    assert phone.page("/plan")


def write_to_readers(day: Day, phone: Phone) -> None:
    """A marketer writes about a topic that she has chosen; the letter comes."""
    command = day.shop.server.command
    command("mobile_api.cli", "subscriptions", "topic", "lamps", "--name", "Lamps")
    marketer = ("--number", "13", "--name", "Cordelia Featherstone", "--role", "marketer")
    pin = command("mobile_api.cli", "staff", "add", "--location", HERE, *marketer).split()[-1]
    phone.fill_in("/letters/by/me/topic", {"topic": "lamps", "on": "true"})
    letters = len(day.shop.mailbox())
    with httpx2.Client(base_url=day.shop.url, timeout=10) as office:
        day.outputs.watch(office)
        fill_in(office, "/staff", {"location_id": HERE, "number": "13", "pin": pin})
        day.secrets.append(office.cookies["carryover-staff"])
        said = {"subject_en": "New lamps", "text_en": "They are here."}
        office.post("/staff/topics/lamps/write", data=said).raise_for_status()
    wait_until(lambda: len(day.shop.mailbox()) > letters, WAIT_S)
    assert day.shop.mailbox()[-1].to == ADDRESS


def buy(phone: Phone, voucher: str) -> str:
    """Check out: to an address first, then to the desk, with a gift card and a card; pay."""
    checkout = phone.ask("POST", "/api/v1/checkouts", {})
    path = f"/api/v1/checkouts/{checkout['id']}"
    address = {
        "name": "Ottoline Quartermaine",
        "street": "3 Marchbanks Row",
        "postcode": "T12",
        "city": "Cork",
        "country": "IE",
    }
    with suppress(Refused):
        phone.ask("POST", f"{path}/choices", {"method": "ship", "address": address})
    phone.ask("POST", f"{path}/choices", {"method": "collect", "email": ADDRESS})
    phone.ask("POST", f"{path}/voucher", {"code": voucher})
    for body in ({"email": "quartermaine@"}, {"address": {"name": "Ottoline" * 200}}):
        with pytest.raises(Refused):
            phone.ask("POST", f"{path}/choices", body)
    bought = Buyer(phone, Random(1), email=ADDRESS).buy()
    assert bought is not None
    return bought.order_id


def hand_over(day: Day, pin: str, order_id: str) -> None:
    """Pick, stage, hand over; a wrong PIN, a wrong code and a reason in words on the way."""
    url = day.shop.url
    picker = Picker(url, HERE, "12", pin, Random(1))
    day.outputs.watch(picker._http)  # noqa: SLF001 - whatever her device asks
    day.secrets.append(picker._http.cookies["carryover-staff"])  # noqa: SLF001
    assert "Quillfeather" in picker._http.get("/staff/queue").text  # noqa: SLF001
    assert picker.work() == [order_id]
    phone = next(iter(day.shop._phones))  # noqa: SLF001 - hers
    order = phone.ask("GET", f"/api/v1/orders/{order_id}")
    for proof, reason in (("quartermaine", ""), (order["handover"]["code"], "")):
        body = {"proof": proof, "reason": reason}
        with suppress(Refused):
            picker.ask("POST", f"/orders/{order_id}/handover", body)
    assert phone.ask("GET", f"/api/v1/orders/{order_id}")["state"] == "handed_over"
    body = {"proof": "000000", "reason": "Asked for Mrs Thistlewood by name"}
    with pytest.raises(Refused):
        picker.ask("POST", f"/orders/{order_id}/handover", body)
    picker.close()


def refused_at_the_api(day: Day) -> None:
    """Say her name where nobody asked for it: bodies, headers, paths and forms of no use."""
    fresh = {"Idempotency-Key": uuid.uuid4().hex}
    door = {"location_id": HERE, "number": "12"}
    with httpx2.Client(base_url=day.shop.url, timeout=10) as stranger:
        stranger.get("/l/quartermaine")
        stranger.post("/api/v1/lists/zephyrine/mail", json={"email": ADDRESS}, headers=fresh)
        stranger.get("/api/v1/orders/ottoline", params={"email": ADDRESS})
        stranger.get("/api/v1/catalogue/items/zephyrine")
        stranger.get("/quartermaine/%ff", headers={"Accept-Language": ADDRESS})
        sent = [
            stranger.post("/sign-in", data={"email": "quartermaine at dovecote"}),
            stranger.post("/sign-in", data={"email": "quartermaine" * 400}),
            stranger.post("/staff", data={"location_id": HERE, "number": "Quillfeather"}),
            stranger.post("/staff", data={**door, "pin": "Quillfeather"}),
            stranger.post("/api/v1/cart/lines", content=ADDRESS.encode(), headers=fresh),
            stranger.post("/api/v1/cart/lines", json={"gtin": ADDRESS}, headers=fresh),
            stranger.post("/api/v1/lists", json={"name": "Zephyrine"}),
            stranger.post("/api/v1/lists", json={"name": "Zephyrine" * 9_000}, headers=fresh),
            stranger.post("/api/v1/cart/lines", json={}, headers={"Idempotency-Key": ADDRESS}),
            stranger.post("/api/v1/payments/webhooks/sandbox", content=ADDRESS.encode()),
        ]
    assert all(one.status_code >= 400 for one in sent), [one.status_code for one in sent]
    for one in sent:
        if "json" in one.headers["content-type"]:
            day.outputs.add(PROBLEM, one.request.url.path, one.text)


def refused_at_the_gateway(day: Day) -> None:
    """Send what a broken tablet would: her address where none belongs, too long, in no form."""
    wanted = EventType.LIST_REQUESTED.encode()
    topic, payload = next(one for one in day.hear() if wanted in one[1])
    event = json.loads(payload)
    data = event["data"]
    broken = [
        {**event, "id": "broken-1", "data": {**data, "email": f"{'quartermaine' * 30}@x.example"}},
        {**event, "id": "broken-2", "data": {**data, "note": "for Wilhelmina Quartermaine"}},
        {**event, "id": "broken-3", "data": {**data, "email": "quartermaine at dovecote"}},
        {**event, "id": "broken-4", "data": {**data, "visit": ADDRESS}},
    ]
    for one in broken:
        day.observer.publish(topic, json.dumps(one).encode())
    day.observer.publish(topic, b"!" + ADDRESS.encode())
    wait_until(lambda: len(day.shop.dead_letters()) >= len(broken), WAIT_S)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_person_came_out(day: Day, kind: str) -> None:
    """No name in any kind of output; what opens something is in its own link and nowhere else."""
    assert len("".join(text for _, text in day.outputs.said[kind])) > 300, kind
    secrets = [] if kind in {URL, PROBLEM} else day.secrets
    assert all(len(one) > 8 for one in secrets)
    found = day.outputs.found(kind, [*NAMES, *secrets])
    assert found == [], "\n".join(found)


def test_the_day_was_one(day: Day) -> None:
    """All of it happened: mails, an order, dead letters, three processes in the traces."""
    assert [one.to for one in day.after.letters].count(ADDRESS) >= 5
    services = {span.service for span in day.collector.spans}
    assert services == {"carryover-tablet", "carryover-gateway", "carryover-api"}
    logs = {where for where, _ in day.outputs.said[LOG]}
    assert {"gateway.log", "api.log", "tablet.log"} <= logs
    assert len({text for _, text in day.outputs.said[TOPIC]}) >= 6
    assert len(day.outputs.said[PROBLEM]) >= 12


def test_the_day_after_one_reminder_came_and_all_of_hers_went(day: Day) -> None:
    """Of what she left, not of what she bought; it is in her export, and nowhere after that."""
    [reminder] = day.after.reminders
    assert reminder.to == ADDRESS
    # Whoever scanned on the tablet before it was hers waits yet, and is nobody whom we know.
    numbers = rf"{next_day.NAME}  version 1  on  entered 1  waiting \d  sent 1  refused 0"
    assert re.search(numbers, day.after.numbers), day.after.numbers
    assert {one.split("/")[1] for one in day.after.links} == {"back", "privacy", "withdraw"}
    assert next_day.NAME in day.after.data
    assert ADDRESS in day.after.data
    assert (day.after.letters_left, day.after.answers) == (0, [404, 404])


class Loose(BaseHTTPRequestHandler):
    """A server that says a name wherever it can."""

    def do_GET(self) -> None:
        """Refuse, with the name in an address, a link and the refusal."""
        page = self.path.startswith("/quillfeather")
        body = b"<a href='/lists?of=quillfeather'>" if page else b'{"instance": "/Quillfeather"}'
        self.send_response(400)
        self.send_header("Location", "/?name=quillfeather" if page else "")
        self.send_header("Content-Type", "text/html" if page else "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def plant(outputs: Outputs, collector: Collector, mosquitto: Mosquitto) -> None:
    """Say a name in every kind of output, each by the way that it really goes."""
    code = (
        "import logging; from cart.logs import configure; from cart.settings import"
        " ProcessSettings; configure(ProcessSettings(log_format='json'));"
        " logging.warning('hired %s', 'Quillfeather')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    outputs.add(LOG, "a process", done.stderr)
    registry = CollectorRegistry()
    Counter("hired", "Staff.", ["name"], registry=registry).labels(name="Quillfeather").inc()
    outputs.add(METRICS, "a process", generate_latest(registry))
    tracer = make_tracer("test", collector.url)
    assert tracer is not None
    span = tracer.begin("hire quillfeather")
    assert span is not None
    span.end()
    tracer.close()
    for body in collector.bodies:
        outputs.add(TRACE, "collector", body)
    with MqttClient(mosquitto.port, "observer") as observer:
        observer.subscribe("#")
        observer.publish("shop/quillfeather", base64.b64encode(b"of Quillfeather's"))
        topic, payload = observer.next()
    outputs.add(TOPIC, "observer", topic)
    outputs.add(MESSAGE, topic, payload)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Loose)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with httpx2.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
        outputs.watch(client)
        client.get("/quillfeather")
        client.get("/problem")
    server.shutdown()
    server.server_close()


def test_a_name_that_is_planted_is_found(mosquitto: Mosquitto) -> None:
    """In each kind, in capitals, in base 64, in an address, a link and a redirection."""
    outputs, collector = Outputs(), Collector()
    try:
        plant(outputs, collector, mosquitto)
    finally:
        collector.stop()
    found = {kind: len(outputs.found(kind, ["quillfeather"])) for kind in KINDS}
    assert min(found.values()) >= 1, found
    assert found[URL] == 3
    assert all(outputs.found(kind, ["thistlewood"]) == [] for kind in KINDS)
