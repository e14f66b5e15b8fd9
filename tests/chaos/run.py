"""One run: the stream begins, the blows fall, everything comes to rest, and is counted."""

import shutil
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cart.kernel.errors import Unavailable
from firmware_sim.phone import Phone
from tests.chaos.devices import all_said
from tests.chaos.goods import goods
from tests.chaos.notes import wrong_holders
from tests.chaos.plan import Blow, Plan, script
from tests.chaos.shoppers import Shopper, Told
from tests.chaos.stage import Stage, stage, wait_until
from tests.chaos.verdict import Judge, Speaker, Verdict, orders_of

LOOK_S: Final = 0.1
BEGUN_S: Final = 60.0
REST_S: Final = 180.0  # from the last blow until every receipt is there; ten seconds as a rule
PHONE_S: Final = 60.0
# Around a blow: from here on the stream waits until everything is up again, and so far it may
# run on before it is struck.
BEHIND_EVENTS, AHEAD_EVENTS = 500, 2_000
SHOPPER_GOODS: Final = 40
BOOKS: Final = (("mobile_api.cli", "orders", "reconcile"), ("inventory_api.cli", "reconcile"))


@dataclass(slots=True)
class Result:
    """What came out of a run; ``as_row`` is its line."""

    seed: int
    broker: str
    database: str
    gateways: int = 1
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
    clock_left_alone: bool = False

    @classmethod
    def of(cls, plan: Plan) -> "Result":
        """Return that of a run which has not begun."""
        gateways = sum(one.startswith("gateway") for one in plan.servers)
        return cls(plan.seed, plan.broker, plan.database, gateways)

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


Strike = Callable[[Stage], dict[str, int]]
"""What befalls the shop while the devices speak; returns how often each part was killed."""


def run(
    plan: Plan,
    folder: Path,
    look: Callable[[Stage, Judge], None] = lambda *_: None,
    *,
    strike: Strike | None = None,
    result: Result | None = None,
) -> Result:
    """Play one plan in ``folder`` and judge it; ``look`` may look at the shop before it closes.

    ``strike`` stands in for the blows of the plan. ``result``: where to write what comes out,
    for who wants to see that of a run which ends early.
    """
    result = result or Result.of(plan)
    began_s = time.monotonic()
    with stage(plan, folder) as on:
        told, phones = Told(), list[Phone]()
        shoppers = _shoppers(on, told)
        try:
            on.speak()
            on.allow(on.plan.scale.devices)  # everybody begins a visit
            phones += _phones(on)
            on.phones = phones
            for shopper in shoppers:
                shopper.start()
            result.clock_left_alone = on.plan.chain and not on.has_clock
            result.kills = (strike or _blows)(on)
            _rest(on, result)
            for shopper in shoppers:
                shopper.leave()
            judge = _judge(on)
            _hear(on, judge, phones, result)
        finally:
            for phone in phones:
                phone.close()
        _count(on, judge, told, result)
        result.seconds = round(time.monotonic() - began_s, 1)
        look(on, judge)
    return result


def played(
    plan: Plan, *, strike: Strike | None = None, play: Callable[..., Result] = run
) -> Result:
    """Play one plan in a folder of its own; what ends it early is among what is wrong with it.

    ``play``: what plays it, with the arguments of :func:`run`.
    """
    result = Result.of(plan)
    try:
        with folder_of(plan.seed) as folder:
            play(plan, folder, strike=strike, result=result)
    except Exception as error:  # noqa: BLE001 - one run tells of itself; the others are played
        traceback.print_exc()
        result.wrong.append(f"ended early: {type(error).__name__}: {error}")
    return result


def _shoppers(on: Stage, told: Told) -> list[Shopper]:
    bought = [str(one) for one in goods().known[:SHOPPER_GOODS]]
    numbers = range(on.plan.scale.shoppers)
    patience_s = on.plan.scale.patience_s
    return [
        Shopper(on.url, f"{on.plan.seed} shopper {number}", bought, told, patience_s=patience_s)
        for number in numbers
    ]


def _phones(on: Stage) -> list[Phone]:
    """Claim the visits of the first devices, each by a phone that hears its cart live."""
    phones = list[Phone]()
    for device in range(on.plan.scale.phones):
        phone = Phone(on.url)
        phones.append(phone)
        phone.claim(f"/c/{on.plan.secret(device)}", BEGUN_S)
        phone.listen()
        phone.wait_for(lambda one: bool(one.heard("cart")), BEGUN_S)
    return phones


def said(on: Stage) -> int:
    """Return how many events all devices together have said."""
    return sum(one.sequence for one in on.kept())


def _blows(on: Stage) -> dict[str, int]:
    kills = Counter[str]()
    blows = [blow for blow in on.plan.blows if on.has_clock or not blow.moved_s]
    following = dict(pairwise(blow.at_event for blow in blows))
    for blow in blows:
        # All that was down is up: the last steps to the place where the next blow falls.
        on.allow(blow.at_event + AHEAD_EVENTS)
        if not wait_until(lambda at=blow.at_event: said(on) >= at, REST_S, LOOK_S):  # type: ignore[misc]
            msg = f"the devices stopped at {said(on)} events"
            raise Unavailable(msg)
        _strike(on, blow)
        kills.update(f"{part} frozen" if blow.frozen else part for part in blow.parts)
        on.allow(following.get(blow.at_event, on.plan.scale.events) - BEHIND_EVENTS)
        time.sleep(blow.pause_s)
        _make_good(on, blow)
        on.check()
    on.allow(on.plan.scale.events)
    return dict(kills)


def _strike(on: Stage, blow: Blow) -> None:
    if blow.moved_s:
        on.set_clock(blow.moved_s)
        return
    for part in blow.parts:
        (on.freeze if blow.frozen else on.kill)(part)


def _make_good(on: Stage, blow: Blow) -> None:
    if blow.moved_s:
        on.set_clock(0)
    elif blow.frozen:
        for part in blow.parts:
            on.wake(part)
    else:
        on.start_again(blow.parts)


def _rest(on: Stage, result: Result) -> None:
    """Wait until every device has said all, and everything has its receipt."""

    def rests() -> bool:
        kept = on.kept()
        said_all = all(one.sequence == on.plan.count(n) for n, one in enumerate(kept))
        return said_all and not any(one.waiting for one in kept)

    if not wait_until(rests, REST_S, LOOK_S):
        result.waiting = sum(one.waiting for one in on.kept())
        result.wrong.append(f"{said(on)} events said, {result.waiting} without a receipt")
    on.check()


def _judge(on: Stage) -> Judge:
    wares = goods()
    speakers = [
        Speaker(
            device_id,
            on.kept()[number].spool,
            script(on.plan, number, wares),
            all_said(on.spool_path(number)),
        )
        for number, device_id in enumerate(on.device_ids)
    ]
    return Judge(speakers, wares.unknown)


def _hear(on: Stage, judge: Judge, phones: list[Phone], result: Result) -> None:
    """Wait until every phone shows what its device said; look whether it heard anything twice."""
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
    with on.database() as db:
        result.verdict = judge.judge(db)
        orders = orders_of(db)
        if on.plan.chain:
            result.wrong += wrong_holders(db)
    result.orders, result.walked_away = len(orders), told.walked_away
    result.wrong += told.wrong
    result.wrong += [
        f"order {order_id} is gone"
        for checkout_id, order_id in told.orders.items()
        if orders.get(checkout_id) != order_id
    ]
    with ThreadPoolExecutor() as pool:
        result.wrong += filter(None, pool.map(lambda books: _added_up(on, *books), BOOKS))


def _added_up(on: Stage, module: str, *arguments: str) -> str:
    """Let the shop add its own books up; return what it finds, or nothing."""
    try:
        on.shop.command(module, *arguments)
    except Unavailable as error:
        return error.message
    return ""
