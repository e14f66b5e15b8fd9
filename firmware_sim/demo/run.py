"""``firmware_sim demo``: from an empty folder to a shop at work, and a clean end.

Owns the order of things, the signals and what is printed.
"""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final
from urllib.parse import urlsplit

from cart.kernel.errors import CarryoverError, Unavailable
from firmware_sim.demo.account import Account
from firmware_sim.demo.play import Play
from firmware_sim.goods.assortment import products
from firmware_sim.shop import Shop, usual_or_free

MQTT_PORT: Final = 1883
LOOK_S: Final = 0.25  # between two looks at whether every child still runs
INTERRUPTED: Final = 130  # what a shell calls a process that Ctrl-C ended
MARK: Final = ".carryover-demo"  # only a folder with this in it is ever emptied
GOODS_S: Final = 300.0

MIRROR: Final = """\
mirror {mirror}
Touch the mirror, and somebody steps before it. "Record my turn", "Keep", another colour.
Open {phone}demo/mirror beside it: that is her phone. Say yes to looks
there, and what she keeps is on it; nowhere else."""
"""Its address, and what to try. The phone has another host's name than the front page: cookies of
its own, so that the shopper on show and the one before the mirror are two."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asks for. ``seconds`` None plays until Ctrl-C."""

    seconds: float | None
    port: int
    data_dir: Path
    cache_dir: Path
    seed: int


def run(wishes: Wishes, say: Say) -> int:
    """Play; return the exit status: 0, 1 when an event was lost or a part failed, 130 early."""
    stopping = threading.Event()
    try:
        with ExitStack() as open_things:
            ended = open_things.enter_context(_signals(stopping))
            shop, play = _set_up(wishes, say, stopping, open_things)
            ended.playing = True
            say(f"ready {shop.url}")
            say(MIRROR.format(mirror=play.mirror_url, phone=phone_of(shop.url)))
            play.open()
            _watch(shop, stopping, wishes.seconds)
            say("closing time: waiting until everything has arrived")
            account = play.end()
            shop.check()
    except KeyboardInterrupt:
        say("interrupted before the shop was open")
        return INTERRUPTED
    except CarryoverError as error:
        say(f"error: {error.message}")
        return 1
    return _told(account, say)


def _set_up(
    wishes: Wishes, say: Say, stopping: threading.Event, open_things: ExitStack
) -> tuple[Shop, Play]:
    data_dir = _fresh(wishes.data_dir)
    shop = Shop(
        data_dir,
        mqtt_port=usual_or_free(MQTT_PORT),
        http_port=usual_or_free(wishes.port),
    )
    open_things.callback(shop.stop)
    made = products(wishes.seed)
    play = Play(shop, made, wishes.seed, stopping)
    open_things.callback(play.close)
    play.prepare()
    feeds = data_dir / "feeds"
    began_s = time.monotonic()
    say("drawing the goods")
    shop.command(
        "firmware_sim.cli",
        "goods",
        str(feeds),
        "--seed",
        str(wishes.seed),
        "--cache-dir",
        str(wishes.cache_dir),
        timeout_s=GOODS_S,
    )
    shop.take_feeds(feeds)
    say(f"goods are on the shelves after {time.monotonic() - began_s:.0f} s; opening")
    shop.start()
    play.start(data_dir)
    shop.wait_for_product(made[0].variants[0].gtin)
    return shop, play


def phone_of(url: str) -> str:
    """Return the shop's address by its other name on this machine, which has cookies of its own."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"localhost:{parts.port}").geturl()


def _fresh(data_dir: Path) -> Path:
    """Return the data folder, empty.

    Raises:
        Unavailable: something that is not a demo's lies in it; nothing was touched.
    """
    mark = data_dir / MARK
    if data_dir.exists() and any(data_dir.iterdir()):
        if not mark.exists():
            msg = f"{data_dir} has other data in it; name an empty folder with --data-dir"
            raise Unavailable(msg)
        shutil.rmtree(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return data_dir


def _watch(shop: Shop, stopping: threading.Event, seconds: float | None) -> None:
    deadline = None if seconds is None else time.monotonic() + seconds
    while not stopping.wait(LOOK_S):
        shop.check()
        if deadline is not None and time.monotonic() >= deadline:
            return


def _told(account: Account, say: Say) -> int:
    say("what happened:")
    say(account.table())
    if account.lost:
        say(f"error: {account.lost} events were lost")
        return 1
    if account.differences:
        say("error: money, orders and stock do not add up; see log/commands.log")
        return 1
    return 0


class _Ended:
    """Whether the shop is open: before, a signal breaks off; after, it closes in order."""

    playing = False


@contextmanager
def _signals(stopping: threading.Event) -> Iterator[_Ended]:
    state = _Ended()

    def hear(_number: int, _frame: FrameType | None) -> None:
        stopping.set()
        if not state.playing:
            raise KeyboardInterrupt

    before = {name: signal.signal(name, hear) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield state
    finally:
        # While everything is being closed another Ctrl-C changes nothing any more.
        for name in before:
            signal.signal(name, signal.SIG_IGN)
        for name, handler in before.items():
            signal.signal(name, handler)
