"""For how long each kind of data is kept, and what sweeps it when its time is over.

One list. The durable schedule (``schedule.py``) and the command line do the same, a bounded
number of rows in a transaction, so that nobody waits long for a lock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine
from sqlmodel import Session

from cart.carts import keys
from cart.db import unit_of_work
from cart.idempotency import service as idempotency
from cart.journeys import ending as journeys
from cart.journeys.segments import service as segments
from cart.kernel.clock import Clock
from cart.looks import ending
from cart.orders import addresses
from cart.picking import doors
from cart.profile import service as profile
from cart.profile.letters import LETTERS_KEPT
from cart.profile.model import CODES_KEPT
from cart.profile.push import service as push
from cart.profile.subscriptions import service as subscriptions
from cart.profile.subscriptions.model import CONFIRM_FOR
from cart.profile.subscriptions.model import LETTERS_KEPT as LETTERS_TOPICS_KEPT
from cart.profile.timeline import service as timeline
from gateway.dead_letters import service as dead_letters
from gateway.plans import model as plan_limits
from gateway.plans import service as plans
from inventory_api.catalogue import price_changes
from mobile_api.journeys import texts
from mobile_api.mail.queries import erase_addresses
from mobile_api.rights import idle
from mobile_api.settings import ApiSettings

AT_ONCE_MAX: Final = 1_000  # rows; the writer's lock is held for as long as they take
SESSIONS_AT_ONCE_MAX: Final = 50  # each has rows in some twenty tables
ROUNDS_MAX: Final = 2_000  # of one rule in one sweep; what is left waits an hour


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of data. ``keeps``: for how long, in words; ``sweep``: ends some, returns how many.

    ``count``: how many it would end, where what it ends is no row and cannot be taken back.
    """

    name: str
    what: str
    keeps: Callable[[ApiSettings], str]
    sweep: Callable[[Session, Clock, ApiSettings], int]
    count: Callable[[Clock, ApiSettings], int] | None = None


RULES: Final = (
    Rule(
        "sign_in",
        "addresses of sign-in codes, letters about accounts, begun passkeys, windows of limits",
        lambda _: (
            f"{CODES_KEPT.days} day after a code is too old to use,"
            f" {LETTERS_KEPT.days} days after a letter was asked for (fixed)"
        ),
        lambda db, clock, _: profile.forget(db, clock),
    ),
    Rule(
        "price_changes",
        "what articles cost before",
        lambda _: f"{price_changes.KEPT.days} days (fixed)",
        lambda db, clock, _: price_changes.forget(db, clock, AT_ONCE_MAX),
    ),
    Rule(
        "rings",
        "rings of phones",
        lambda _: f"{push.RINGS_KEPT.days} day (fixed)",
        lambda db, clock, _: push.forget(db, clock),
    ),
    Rule(
        "letters",
        "letters about topics with their addresses; topics that nobody confirmed",
        lambda _: f"{LETTERS_TOPICS_KEPT.days} days; {CONFIRM_FOR.days} days (fixed)",
        lambda db, clock, _: subscriptions.forget(db, clock),
    ),
    Rule(
        "halfway",
        "staff whose PIN was right and who never brought their second factor",
        lambda _: f"{doors.HALFWAY_FOR.seconds // 60} minutes (fixed)",
        lambda db, clock, _: doors.forget(db, clock),
    ),
    Rule(
        "answers",
        "answers to requests, for a phone that repeats them",
        lambda _: f"{idempotency.KEPT.days} days (fixed)",
        lambda db, clock, _: idempotency.forget(db, clock),
    ),
    Rule(
        "phones",
        "keys of customers' phones",
        lambda _: f"{keys.IDLE.days} days unused, {keys.ABSOLUTE.days} in all (fixed)",
        lambda db, clock, _: keys.forget(db, clock),
    ),
    Rule(
        "dead_letters",
        "messages of devices that could not be done",
        lambda _: f"{dead_letters.KEPT.days} days, {dead_letters.DONE_KEPT.days} once done (fixed)",
        lambda db, clock, _: dead_letters.forget(db, clock),
    ),
    Rule(
        "plans",
        "plans of visits with their lines and bookings",
        lambda _: f"{plan_limits.KEPT.days} day after the visit (fixed)",
        lambda db, clock, _: plans.forget(db, clock),
    ),
    Rule(
        "segment_changes",
        "who came into segments and left them",
        lambda _: f"{segments.KEPT.days} days (fixed)",
        lambda db, clock, _: segments.forget(db, clock, AT_ONCE_MAX),
    ),
    Rule(
        "list_addresses",
        "addresses that lists were mailed to",
        lambda settings: f"{settings.mail_keep_days} days (MAIL_KEEP_DAYS)",
        lambda db, clock, settings: erase_addresses(
            db, clock.now() - timedelta(days=settings.mail_keep_days)
        ),
    ),
    Rule(
        "sale_addresses",
        "e-mail addresses of orders that are over; all addresses of what was not bought",
        lambda settings: f"{settings.order_email_keep_days} days (ORDER_EMAIL_KEEP_DAYS)",
        lambda db, clock, settings: addresses.erase(
            db, clock.now() - timedelta(days=settings.order_email_keep_days), AT_ONCE_MAX
        ),
    ),
    Rule(
        "looks",
        "looks; what opens them first, then their objects",
        lambda _: "7, 30, 90 or 365 days, as each shopper chose; 30 without a choice",
        lambda db, clock, _: ending.shred(db, clock, AT_ONCE_MAX),
    ),
    Rule(
        "timeline",
        "what people did, as their stories tell it",
        lambda settings: f"{settings.timeline_keep_days} days (TIMELINE_KEEP_DAYS)",
        lambda db, clock, settings: timeline.forget(
            db, clock.now() - timedelta(days=settings.timeline_keep_days), AT_ONCE_MAX
        ),
    ),
    Rule(
        "journeys",
        "series of reminders that ended, with their messages",
        lambda _: f"{journeys.KEPT.days} days (fixed)",
        lambda db, clock, _: journeys.forget(db, clock, AT_ONCE_MAX),
    ),
    Rule(
        "texts",
        "files of what SMS and WhatsApp messages would say",
        lambda _: f"{texts.FILES_KEPT.days} days (fixed)",
        lambda _, clock, settings: texts.forget(settings.data_dir / texts.FOLDER, clock),
        lambda clock, settings: len(texts.overdue(settings.data_dir / texts.FOLDER, clock)),
    ),
    # After the addresses of its orders: until then a session stays.
    Rule(
        "sessions",
        "anonymous shopper sessions, with cart, lists and visits",
        lambda settings: (
            f"{settings.anonymous_keep_days} days after anything was done (ANONYMOUS_KEEP_DAYS)"
        ),
        lambda db, clock, settings: idle.empty(
            db,
            clock.now(),
            clock.now() - timedelta(days=settings.anonymous_keep_days),
            SESSIONS_AT_ONCE_MAX,
        ),
    ),
)
BY_NAME: Final = {rule.name: rule for rule in RULES}


def sweep(engine: Engine, clock: Clock, settings: ApiSettings, rule: Rule) -> int:
    """End everything whose time is over; return how many rows, or sessions."""
    gone = 0
    for _ in range(ROUNDS_MAX):
        with unit_of_work(engine) as db:
            done = rule.sweep(db, clock, settings)
        gone += done
        if not done:
            break
    return gone


def looked_at(engine: Engine, clock: Clock, settings: ApiSettings) -> Iterator[tuple[Rule, int]]:
    """Yield each rule with how many the next round would end; changes nothing.

    It does the round and takes it back: what is said here is what would be done.
    """
    for rule in RULES:
        if rule.count is not None:
            yield rule, rule.count(clock, settings)
            continue
        with unit_of_work(engine) as db:
            number = rule.sweep(db, clock, settings)
            db.rollback()
        yield rule, number


def hour_of(now: datetime) -> str:
    """Return the name of the sweep that is due at a time: one an hour, whoever begins it."""
    return f"retention:{now:%Y-%m-%dT%H}"
