"""What the processes log while a person goes her way: whole JSON, and nothing of her in it."""

import io
import json
import logging
import re
import subprocess
import sys

import httpx2
import pytest

from cart import logs
from cart.kernel.gtin import Gtin
from cart.settings import ProcessSettings
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop

NAME = "Philippa Quillfeather"
ADDRESS = "ada.quill@shopper.example"
SETTINGS = {"LOG_FORMAT": "json", "LOG_LEVEL": "debug"}
GTIN = str(Gtin.parse(products(7)[0].variants[0].gtin))


@pytest.mark.timeout(400)
def test_a_journey_leaves_nothing_of_a_person_in_the_logs(open_carryover_shop: OpenShop) -> None:
    """At the loudest level: a list mailed, a link opened, staff signed in, a broken message.

    Every line of both processes is a JSON object with time, level and logger; no address,
    no name, no PIN and no key of hers is in one.
    """
    shop = open_carryover_shop(settings=SETTINGS)
    tablet = shop.take_tablet()
    tablet.scan(GTIN)
    link = tablet.link
    shop.phone(link).wait_for_lines({GTIN: 1})
    tablet.mail_to(ADDRESS)
    shop.wait_for_mail(ADDRESS)
    location = shop.location
    arguments = ("staff", "add", "--location", location, "--number", "7", "--name", NAME)
    pin = shop.server.command("mobile_api.cli", *arguments).rpartition("PIN ")[2].strip()
    form = {"location_id": location, "number": "7", "pin": pin}
    with httpx2.Client(base_url=shop.url) as client:
        assert client.post("/staff", data=form).status_code == 303
        token = client.cookies["carryover-staff"]
        assert NAME in client.get("/staff/queue").text
        assert client.get("/c/" + "x" * 39).status_code == 200
    shop.kill("gateway")
    shop.restart("gateway")
    tablet.put_down()
    tablet.wait_until_delivered()

    said = [
        line
        for part in ("gateway", "api")
        for line in (shop.server.log_dir / f"{part}.log").read_text().splitlines()
    ]
    records = [json.loads(line) for line in said if not re.match(r"(ready|waiting) ", line)]
    assert len(records) > 3
    assert all({"at", "level", "logger", "event"} <= record.keys() for record in records)
    secret = link.rpartition("/c/")[2].partition("?")[0]
    # Without the time of day: its fraction has six digits, as a PIN has.
    whole = re.sub(r"\d\d:\d\d:\d\d\.\d+", "", "\n".join(said))
    assert len(secret) == 39
    private = (ADDRESS, NAME, "Quillfeather", pin, token, secret)
    assert [one for one in private if one in whole] == [], whole


def logged(form: str, *said: str) -> str:
    """Return what is written of these messages and of an error that quotes the last."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(form))
    logger = logging.getLogger("cart.test.quiet")
    logger.propagate = False
    logger.addHandler(handler)
    for one in said:
        logger.warning("%s", one)
    try:
        int(said[-1])
    except ValueError:
        logger.exception("it failed")
    logger.removeHandler(handler)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("said", "private"),
    [
        (ADDRESS, "quill"),
        ("mqtt://server:pa55word@broker:1883", "pa55word"),
        ("/c/0123456789abcdefghjkmnpqrstvwxyz0123456", "0123456789"),
        ("k3Jd9_aQ" * 6, "k3Jd9"),
    ],
)
def test_what_a_library_quotes_is_hidden(form: str, said: str, private: str) -> None:
    """In messages and in tracebacks alike; what stands around it stays."""
    written = logged(form, f"before {said} after")
    assert private not in written
    assert written.count("before ") == written.count(" after") == 2
    assert "ValueError" in written


def test_ids_can_be_looked_for() -> None:
    """Ids of carts and devices, trace ids and paths are not hidden: an operator needs them."""
    kept = "cart_06cabcdefghjkmnpqrstvwxy tab-7k2m9q 4bf92f3577b34da6a3ce929d0e0e4736 /staff/queue"
    assert kept in logged("text", kept)
    assert json.loads(logged("json", kept).splitlines()[0])["event"] == kept


def test_the_settings_say_the_level() -> None:
    """A process logs warnings and worse unless told otherwise."""
    code = (
        "import logging; from cart.logs import configure; from cart.settings import"
        " ProcessSettings; configure(ProcessSettings()); logging.info('low');"
        " logging.warning('high'); configure(ProcessSettings(), verbose=True); logging.info('now')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert [line.rpartition(": ")[2] for line in done.stderr.splitlines()] == ["high", "now"]
    assert ProcessSettings().log_format == "text"
