"""What happens to an order now, in a headline and a line below it. Pure words."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cart.kernel.money import Money
from cart.orders.model import ORDER_OPEN, Method, OrderState
from cart.orders.queries import OrderView
from cart.picking.desk import Place
from cart.picking.model import SOON
from mobile_api.look.words import Words


@dataclass(frozen=True, slots=True)
class Step:
    """One of the steps to the goods: ``done``, ``now`` or ``next``."""

    label: str
    state: str
    time: str


@dataclass(frozen=True, slots=True)
class Saying:
    """How one speaks of one order, in one language, at one moment.

    ``place``: its place in the queue, None when it is not in it. ``kept_for``: how
    long it waits at the desk.
    """

    w: Words
    order: OrderView
    timezone: str
    now: datetime
    place: Place | None
    kept_for: timedelta

    def moment(self, moment: datetime) -> str:
        """Return the time at the shop, with the day's name if that is another."""
        zone, w = ZoneInfo(self.timezone), self.w
        time = w.clock_time(moment, self.timezone)
        if moment.astimezone(zone).date() == self.now.astimezone(zone).date():
            return time
        return f"{w.weekday(moment, self.timezone)} {time}"

    def date(self, moment: datetime) -> str:
        """Return day and time at the shop, for a receipt."""
        day = self.w.day(moment.astimezone(ZoneInfo(self.timezone)).date())
        return f"{day}, {self.w.clock_time(moment, self.timezone)}"

    def headline(self) -> str:
        """Say the one thing that matters now."""
        w, order = self.w, self.order
        sent = order.method is Method.SHIP
        if order.state in (OrderState.PLACED, OrderState.PICKING) and not sent:
            ready_at = self.place.ready_at if self.place else order.promise_at
            return w.gettext("Ready about %(time)s") % {"time": self.moment(ready_at)}
        packing = w.gettext("We are packing your order")
        packed, ready = w.gettext("Packed, and about to be sent"), w.gettext("Ready at the desk")
        return {
            OrderState.PLACED: packing,
            OrderState.PICKING: packing,
            OrderState.READY: packed if sent else ready,
            OrderState.HANDED_OVER: w.gettext("Handed over"),
            OrderState.SHIPPED: w.gettext("On its way to you"),
            OrderState.CANCELLED: w.gettext("This order was cancelled"),
            OrderState.UNCOLLECTED: w.gettext("Nobody has collected this order"),
        }[order.state]

    def sub(self) -> str:
        """Say what goes with the headline; empty where nothing does."""
        w, order = self.w, self.order
        if order.state in ORDER_OPEN:
            return "" if order.method is Method.SHIP else self._waiting()
        if order.state is OrderState.SHIPPED:
            return self.parcel()
        if order.state is OrderState.HANDED_OVER and order.handed_over_at:
            return self.date(order.handed_over_at)
        if not order.refunded_minor:
            return ""
        back = w.money(Money(order.refunded_minor, order.currency))
        return w.gettext("%(amount)s goes back to you.") % {"amount": back}

    def told_again(self) -> str:
        """Say when the desk last sent the ready message again; empty: it did not, or it is over."""
        if self.order.state is not OrderState.READY:
            return ""
        again = [one.at for one in self.order.history if one.what == "ready_resent"]
        if not again:
            return ""
        at = {"time": self.moment(again[-1])}
        return self.w.gettext("At %(time)s the desk told you again that it is ready.") % at

    def moved(self) -> str:
        """Say that it is ready at another time than she saw before she paid; empty: it is not."""
        w, order = self.w, self.order
        being_picked = order.state in {OrderState.PLACED, OrderState.PICKING}
        if order.shown_at is None or order.method is Method.SHIP or not being_picked:
            return ""
        shown = {"time": self.moment(order.shown_at)}
        return (
            w.gettext("Your payment came too late for %(time)s, so the time is a new one.") % shown
        )

    def _waiting(self) -> str:
        """Say what somebody who will collect it waits for."""
        w, order = self.w, self.order
        if order.state is OrderState.READY:
            until = self.moment(self.kept_until())
            return w.gettext("We keep it for you until %(time)s.") % {"time": until}
        if order.state is OrderState.PICKING:
            return w.gettext("Your things are being picked now.")
        if order.promise_at > self.now + SOON:
            return w.gettext("We pick it shortly before.")
        if self.place is None:
            return ""
        ahead = self.place.position - 1
        if not ahead:
            return w.gettext("You are next.")
        return w.ngettext(
            "%(num)s order is before yours.", "%(num)s orders are before yours.", ahead
        )

    def kept_until(self) -> datetime:
        """Return when it goes back on the shelf: from when it was ready, or was to be collected."""
        return max(self.order.ready_at or self.now, self.order.promise_at) + self.kept_for

    def parcel(self) -> str:
        """Say who carries it and under which number; empty where it is not under way."""
        w, sent = self.w, self.order.parcel
        if sent is None:
            return ""
        number = w.gettext("Tracking number: %(number)s") % {"number": sent.tracking}
        return " · ".join(filter(None, (sent.carrier, number if sent.tracking else "")))

    def steps(self) -> tuple[Step, ...]:
        """Return the way to the desk: paid, being picked, ready."""
        w, order = self.w, self.order
        begun = next((one.at for one in self.order.history if one.what == "claimed"), None)
        reached = {OrderState.PLACED: 0, OrderState.PICKING: 1}.get(order.state, 2)
        steps = (
            (w.gettext("Paid"), order.placed_at),
            (w.gettext("Being picked"), begun if reached else None),
            (w.gettext("Ready"), order.ready_at if reached == 2 else None),  # noqa: PLR2004 - the last
        )
        return tuple(
            Step(
                label,
                "done" if place < reached else "now" if place == reached else "next",
                w.clock_time(at, self.timezone) if at else "",
            )
            for place, (label, at) in enumerate(steps)
        )
