"""One run: the stream begins, the blows fall, everything comes to rest, and is counted."""

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from cart.db import make_engine
from cart.kernel.errors import Unavailable
from firmware_sim.phone import Phone
from tests.chaos.devices import all_said
from tests.chaos.goods import known_goods, unknown_goods
from tests.chaos.plan import Plan, script
from tests.chaos.shoppers import Shopper, Told
from tests.chaos.stage import Stage, stage, wait_until
from tests.chaos.verdict import Judge, Speaker, Verdict, orders_of

LOOK_S: Final = 0.1
BEGUN_S: Final = 60.0
REST_S: Final = 180.0  # from the last blow until every receipt is there; ten seconds as a rule
PHONE_S: Final = 60.0
SHOPPER_GOODS: Final = 40


@dataclass(slots=True)
class Result:
    """What came out of a run; ``as_row`` is its line."""

    seed: int
    broker: str
    database: str
    kills: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)
    waiting: int = 0
    phones: int = 0
    phones_behind: int = 0
    heard_twice: int = 0
    orders: int = 0
    walked_away: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, nothing was done twice, and all came to rest."""
        settled = not (self.waiting or self.phones_behind or self.heard_twice or self.wrong)
        return self.verdict.clean and settled

    def as_row(self) -> dict[str, Any]:
        """Return it flat, for a line of JSON."""
        row = asdict(self)
        verdict = row.pop("verdict")
        return {"clean": self.clean, **row, **verdict} | {
            "kills": sum(self.kills.values()),
            "killed": self.kills,
        }


@contextmanager
def folder_of(seed: int) -> Iterator[Path]:
    """Yield a fresh folder that PostgreSQL's own user may look into; it goes with the run."""
    folder = Path(tempfile.mkdtemp(prefix=f"carryover-chaos-{seed}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(plan: Plan, folder: Path, look: Callable[[Stage, Judge], None] = lambda *_: None) -> Result:
    """Play one plan in ``folder`` and judge it; ``look`` may look at the shop before it closes."""
    result = Result(plan.seed, plan.broker, plan.database)
    began_s = time.monotonic()
    with stage(plan, folder) as on:
        told, phones = Told(), list[Phone]()
        shoppers = _shoppers(on, told)
        try:
            on.speak()
            phones += _phones(on)
            for shopper in shoppers:
                shopper.start()
            result.kills = _strike(on)
            _rest(on, result)
        finally:
            for shopper in shoppers:
                shopper.leave()
            judge = _judge(on)
            _hear(on, judge, phones, result)
            for phone in phones:
                phone.close()
        _count(on, judge, told, result)
        result.seconds = round(time.monotonic() - began_s, 1)
        look(on, judge)
    return result


def _shoppers(on: Stage, told: Told) -> list[Shopper]:
    goods = [str(one) for one in known_goods()[:SHOPPER_GOODS]]
    numbers = range(on.plan.scale.shoppers)
    return [
        Shopper(on.shop.url, f"{on.plan.seed} shopper {number}", goods, told) for number in numbers
    ]


def _phones(on: Stage) -> list[Phone]:
    """Claim the visits of the first devices, each by a phone that hears its cart live."""
    phones = list[Phone]()
    for device in range(on.plan.scale.phones):
        phone = Phone(on.shop.url)
        phones.append(phone)
        phone.claim(f"/c/{on.plan.secret(device)}", BEGUN_S)
        phone.listen()
        phone.wait_for(lambda one: bool(one.heard("cart")), BEGUN_S)
    return phones


def _said(on: Stage) -> int:
    return sum(one.sequence for one in on.kept())


def _strike(on: Stage) -> dict[str, int]:
    kills = Counter[str]()
    for blow in on.plan.blows:
        if not wait_until(lambda at=blow.at_event: _said(on) >= at, REST_S, LOOK_S):  # type: ignore[misc]
            msg = f"the devices stopped at {_said(on)} events"
            raise Unavailable(msg)
        for part in blow.parts:
            on.kill(part)
        kills.update(blow.parts)
        time.sleep(blow.pause_s)
        on.start_again(blow.parts)
        on.check()
    return dict(kills)


def _rest(on: Stage, result: Result) -> None:
    """Wait until every device has said all, and everything has its receipt."""

    def rests() -> bool:
        kept = on.kept()
        said_all = all(one.sequence == on.plan.count(n) for n, one in enumerate(kept))
        return said_all and not any(one.waiting for one in kept)

    if not wait_until(rests, REST_S, LOOK_S):
        result.waiting = sum(one.waiting for one in on.kept())
        result.wrong.append(f"{_said(on)} events said, {result.waiting} without a receipt")
    on.check()


def _judge(on: Stage) -> Judge:
    goods, unknown = known_goods(), unknown_goods()
    speakers = [
        Speaker(
            device_id,
            on.kept()[number].spool,
            script(on.plan, number, goods, unknown),
            all_said(on.spool_path(number)),
        )
        for number, device_id in enumerate(on.device_ids)
    ]
    return Judge(speakers, unknown)


def _hear(on: Stage, judge: Judge, phones: list[Phone], result: Result) -> None:
    """Wait until every phone shows what its device said, and look whether it heard anything twice."""
    result.phones = len(phones)
    for device, phone in enumerate(phones):
        wanted = judge.expected_lines(device, f"chaos-{on.plan.seed}-{device}-0")
        try:
            phone.wait_for_lines(wanted, PHONE_S)
        except Unavailable as error:
            result.phones_behind += 1
            result.wrong.append(f"phone {device}: {error.message}, wanted {wanted}")
        result.heard_twice += len(phone.operations) - len(set(phone.operations))


def _count(on: Stage, judge: Judge, told: Told, result: Result) -> None:
    engine = make_engine(on.database_url)
    try:
        result.verdict = judge.judge(engine)
        orders = orders_of(engine)
    finally:
        engine.dispose()
    result.orders, result.walked_away = len(orders), told.walked_away
    result.wrong += told.wrong
    result.wrong += [
        f"order {order_id} is gone"
        for checkout_id, order_id in told.orders.items()
        if orders.get(checkout_id) != order_id
    ]
    for module, *arguments in (
        ("mobile_api.cli", "orders", "reconcile"),
        ("inventory_api.cli", "reconcile"),
    ):
        try:
            on.shop.command(module, *arguments)
        except Unavailable as error:
            result.wrong.append(error.message)
