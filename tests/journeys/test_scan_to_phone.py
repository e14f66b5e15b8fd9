"""The main journey on real parts: camera frame → scan → phone, and back.

On the embedded broker and on Mosquitto. One shop each; every test takes a
tablet of it as the next person would.
"""

from collections.abc import Iterator
from threading import Timer

import pytest

from cart.kernel.errors import Refused, Unavailable
from cart.kernel.gtin import Gtin
from firmware_sim.goods.assortment import products
from firmware_sim.pytest_plugin import OpenShop
from firmware_sim.testing import RunningShop, TakenTablet
from tests.real.shop_broker import shop_broker

GOODS = products(7)[::12]
A, B, C, D = (str(Gtin.parse(product.variants[0].gtin)) for product in GOODS[:4])
NAMES = {str(Gtin.parse(product.variants[0].gtin)): product.name.en for product in GOODS}
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def shop(
    request: pytest.FixtureRequest,
    open_carryover_shop: OpenShop,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningShop]:
    """A running shop, on each kind of broker."""
    if request.param == "embedded":
        yield open_carryover_shop()
        return
    with shop_broker(tmp_path_factory.mktemp("mosquitto")) as (_, settings):
        yield open_carryover_shop(settings=settings)


def test_what_the_camera_sees_is_on_the_phone_and_back(shop: RunningShop) -> None:
    """A scanned code is on the phone's live stream; taken off there, the tablet shows it gone."""
    tablet = shop.take_tablet()
    tablet.scan(A, B)
    phone = shop.phone(tablet.link)
    phone.wait_for_lines({A: 1, B: 1})
    tablet.device.screen.wait_for(lambda seen: seen.claimed)

    tablet.scan(C)
    phone.wait_for_lines({A: 1, B: 1, C: 1})
    assert phone.latencies_ms, "a live scan is timed"

    phone.remove(A)
    tablet.wait_for_lines({C: 1, B: 1})
    phone.set_quantity(B, 4)
    tablet.wait_for_lines({C: 1, B: 4})
    tablet.touch("undo")  # takes back the scan of C, not what the phone did
    phone.wait_for_lines({B: 4})
    tablet.put_down()


def test_the_next_person_sees_nothing_of_the_one_before(shop: RunningShop) -> None:
    """After put-down neither screen nor live stream nor the next phone knows the last list."""
    tablet = shop.take_tablet()
    tablet.scan(A)
    first_link = tablet.link
    first = shop.phone(first_link)
    first.wait_for_lines({A: 1})
    assert NAMES[A] in tablet.text
    tablet.put_down()
    assert NAMES[A] not in tablet.text
    first.wait_for(lambda phone: any(e["state"] == "put_down" for e in phone.heard("device")))

    tablet = shop.take_tablet()
    assert tablet.lines == {}
    assert NAMES[A] not in tablet.text
    tablet.scan(B)
    assert tablet.link != first_link
    second = shop.phone(tablet.link)
    second.wait_for_lines({B: 1})
    assert first.lines() == {A: 1}, "the first phone keeps its own list, and gets no other"
    with pytest.raises(Refused):
        shop.phone(first_link)
    assert second.cart()["lines"][0]["gtin"] == B
    assert len(second.cart()["lines"]) == 1
    assert NAMES[A] not in second.page()
    tablet.put_down()


def test_a_tablet_left_in_the_middle_is_clean_for_the_next(shop: RunningShop) -> None:
    """Claimed, cut off, something before its camera: the next one to take it sees none of that."""
    tablet = shop.take_tablet()
    device = tablet.device
    tablet.scan(A)
    first_link = tablet.link
    shop.phone(first_link).wait_for_lines({A: 1})
    device.screen.wait_for(lambda seen: seen.claimed)
    with pytest.raises(Unavailable, match="a phone has the list"):
        device.link()
    device.broker_line.cut()
    device.present(B)

    tablet = shop.take_tablet()
    assert tablet.device is device
    assert tablet.link != first_link
    assert tablet.lines == {}
    assert device.online
    tablet.scan(C)
    assert tablet.lines == {C: 1}
    shop.phone(tablet.link).wait_for_lines({C: 1})

    device.stop()
    tablet = shop.take_tablet()
    assert tablet.lines == {}
    tablet.put_down()
    tablet.wait_until_delivered()
    assert shop.count(device).exact


def test_a_link_is_waited_for(shop: RunningShop) -> None:
    """Whoever looks for the code before the tablet is taken up gets it when it is."""
    device = shop.take_tablet().device
    device.put_down()
    soon = Timer(0.5, lambda: device.screen.touch("begin"))
    soon.start()
    try:
        link = device.link()
    finally:
        soon.join()
    assert link == TakenTablet(device).link
    device.put_down()
    with pytest.raises(Unavailable):
        device.link(wait_s=0.2)


def test_the_list_arrives_by_mail_once(shop: RunningShop) -> None:
    """A list asked for at the tablet is mailed with its lines, to that address, once."""
    address = f"ada.{shop.server.mqtt_port}@shopper.example"
    tablet = shop.take_tablet()
    tablet.scan(A, B)
    tablet.mail_to(address)
    letter = shop.wait_for_mail(address)
    assert NAMES[A] in letter.text
    assert NAMES[B] in letter.text
    assert shop.url in letter.text
    tablet.put_down()
    tablet.wait_until_delivered()
    assert [one.to for one in shop.mailbox()].count(address) == 1
    assert NAMES[A] in letter.html


def test_scans_of_an_offline_tablet_arrive_in_order_and_once(shop: RunningShop) -> None:
    """Cut off, a tablet goes on; the phone that opened its link meanwhile gets all of it."""
    tablet = shop.take_tablet()
    device = tablet.device
    device.broker_line.cut()
    tablet.device.screen.wait_for(lambda seen: 'class="offline"' in seen.html)
    tablet.scan(A, B)
    tablet.remove(A)
    tablet.scan(C)
    assert tablet.lines == {B: 1, C: 1}
    waiting = len(device.spool)  # three scans and a removal; the taking up may be through already
    assert waiting >= 4
    device.broker_line.restore()
    tablet.wait_until_delivered()

    phone = shop.phone(tablet.link)
    assert phone.lines() == {B: 1, C: 1}
    assert shop.count(device).exact
    assert shop.dead_letters() == []
    tablet.put_down()


def test_a_stalled_line_delays_and_loses_nothing(shop: RunningShop) -> None:
    """A network that takes and passes nothing on: what was sent into it is sent again."""
    tablet = shop.take_tablet()
    device = tablet.device
    phone = shop.phone(tablet.link)
    device.broker_line.stall()
    tablet.scan(A)
    assert phone.lines() == {}
    device.broker_line.cut()
    device.broker_line.restore()
    phone.wait_for_lines({A: 1}, 30)
    tablet.put_down()
    tablet.wait_until_delivered()
    assert shop.count(device).exact


def test_a_gateway_killed_in_midstream_loses_and_doubles_nothing(shop: RunningShop) -> None:
    """SIGKILL while events come in; after its restart every event is there, each once."""
    tablet = shop.take_tablet()
    device = tablet.device
    phone = shop.phone(tablet.link)
    tablet.scan(A)
    for _ in range(10):
        tablet.touch("more", gtin=A)
    shop.kill("gateway")
    for _ in range(10):
        tablet.touch("more", gtin=A)
    assert tablet.lines == {A: 21}
    shop.restart("gateway")
    for _ in range(10):
        tablet.touch("more", gtin=A)
    phone.wait_for_lines({A: 31}, 60)
    assert tablet.lines == {A: 31}
    tablet.put_down()
    tablet.wait_until_delivered(60)
    assert shop.count(device).exact
    assert shop.dead_letters() == []
