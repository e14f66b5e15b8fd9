"""What stands in the way of paying, in words, each with the ways on. Nothing is decided here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cart.kernel.money import Money
from cart.orders.checkout import CheckoutView
from cart.orders.model import Problem, ProblemKind
from cart.orders.pricing import CheckoutLine
from mobile_api.look.words import Words
from mobile_api.products.shops import Shop

OTHER_SHOPS_MAX = 2  # buttons under one line; the rest is in the list of shops below


@dataclass(frozen=True, slots=True)
class Way:
    """A way on. ``act``: what the page's script does; ``href``: where a link leads instead."""

    label: str
    act: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    href: str = ""


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """A problem as the shopper reads it."""

    kind: ProblemKind
    text: str
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Deciding:
    """What words and ways depend on. ``shops``: the others, nearest first, whole cart first.

    ``left``: pieces by SKU and location id.
    """

    w: Words
    view: CheckoutView
    shops: Sequence[Shop]
    left: Mapping[str, Mapping[str, int]]

    def of_line(self, problem: Problem, line: CheckoutLine, name: str) -> ShownProblem:
        """Return a problem of one line."""
        facts = {"gtin": line.gtin, "name": name}
        if problem.kind is ProblemKind.PRICE_CHANGED:
            return self._price(problem, facts)
        w, left = self.w, problem.left or 0
        ways: list[Way] = []
        if problem.kind is ProblemKind.INSUFFICIENT and left:
            text = w.ngettext(
                "Only %(num)s of these is left here.", "Only %(num)s of these are left here.", left
            )
            take = w.gettext("Take %(num)s") % {"num": w.number(left)}
            ways.append(Way(take, "take-left", facts | {"left": str(left)}))
        elif problem.kind is ProblemKind.INSUFFICIENT:
            text = w.gettext("None of these is left here.")
        elif line.now_minor is None:
            text = w.gettext("This is not sold any more.")
        else:
            text = w.gettext("This shop does not have these.")
        if line.now_minor is not None:
            ways += self._elsewhere(line)
        ways.append(Way(w.gettext("Move to a list"), "to-list", facts))
        ways.append(Way(w.gettext("Remove"), "take-out", facts))
        return ShownProblem(problem.kind, text, tuple(ways))

    def _price(self, problem: Problem, facts: Mapping[str, str]) -> ShownProblem:
        w = self.w
        now = w.money(Money(problem.now_minor or 0, self.view.currency))
        if problem.was_minor is None:
            text = w.gettext("This costs %(now)s now.") % {"now": now}
        else:
            was = w.money(Money(problem.was_minor, self.view.currency))
            text = w.gettext("This costs %(now)s now; you saw %(was)s.") % {"now": now, "was": was}
        accept = w.gettext("Buy it for %(now)s") % {"now": now}
        price = {"price": str(problem.now_minor)}
        ways = (
            Way(accept, "accept-price", {**facts, **price}),
            Way(w.gettext("Remove"), "take-out", facts),
        )
        return ShownProblem(problem.kind, text, ways)

    def _elsewhere(self, line: CheckoutLine) -> list[Way]:
        """Return the shops that have all pieces of a line."""
        left = self.left.get(line.sku, {})
        having = [shop for shop in self.shops if left.get(shop.id, 0) >= line.quantity]
        return [self._collect_at(shop) for shop in having[:OTHER_SHOPS_MAX]]

    def _collect_at(self, shop: Shop) -> Way:
        label = self.w.gettext("Collect at %(shop)s") % {"shop": shop.name}
        return Way(label, "choose-shop", {"location": shop.id})

    def of_all(self, problem: Problem) -> ShownProblem:
        """Return a problem of the whole checkout."""
        w = self.w
        collect = Way(w.gettext("Collect it at the shop"), "choose-collect")
        others = [self._collect_at(shop) for shop in self.shops[:OTHER_SHOPS_MAX]]
        soonest = Way(w.gettext("As soon as it is ready"), "choose-soonest")
        match problem.kind:
            case ProblemKind.EMPTY:
                text, ways = (
                    w.gettext("Your cart is empty"),
                    [Way(w.gettext("To my cart"), href="/")],
                )
            case ProblemKind.NO_SLOT if self.view.slot_at is not None:
                text, ways = w.gettext("The time that you chose is full or past."), [soonest]
            case ProblemKind.NO_SLOT:
                text, ways = w.gettext("This shop can promise no time within a week."), others
            case ProblemKind.NO_SHIPPING:
                text, ways = w.gettext("This shop does not send."), [collect]
            case ProblemKind.ADDRESS_MISSING:
                text = w.gettext("We need to know where it goes.")
                ways = [Way(w.gettext("Fill in the address"), "fill-address"), collect]
            case ProblemKind.VOUCHER:
                text = w.gettext("This gift card or voucher is used up or too old.")
                ways = [Way(w.gettext("Pay without it"), "drop-voucher")]
            case _:
                text, ways = w.gettext("This shop takes no orders at the moment."), others
        return ShownProblem(problem.kind, text, tuple(ways))
