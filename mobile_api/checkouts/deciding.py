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
    """A way on. ``act``: what the page's script does; ``href``: where a link leads instead.

    ``form``, ``fields``: what is sent where there is no script, and its last part of the address.
    """

    label: str
    act: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    href: str = ""
    form: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


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
            fields = {"gtin": line.gtin, "quantity": str(left)}
            had = facts | {"left": str(left)}
            ways.append(Way(take, "take-left", had, form="line", fields=fields))
        elif problem.kind is ProblemKind.INSUFFICIENT:
            text = w.gettext("None of these is left here.")
        elif line.now_minor is None:
            text = w.gettext("This is not sold any more.")
        else:
            text = w.gettext("This shop does not have these.")
        if line.now_minor is not None:
            ways += self._elsewhere(line)
        ways.append(Way(w.gettext("Move to a list"), "to-list", facts, form="list", fields=facts))
        ways.append(self._remove(facts))
        return ShownProblem(problem.kind, text, tuple(ways))

    def _remove(self, facts: Mapping[str, str]) -> Way:
        fields = {"gtin": facts["gtin"], "quantity": "0"}
        return Way(self.w.gettext("Remove"), "take-out", facts, form="line", fields=fields)

    def _price(self, problem: Problem, facts: Mapping[str, str]) -> ShownProblem:
        w = self.w
        now = w.money(Money(problem.now_minor or 0, self.view.currency))
        if problem.was_minor is None:
            text = w.gettext("This costs %(now)s now.") % {"now": now}
        else:
            was = w.money(Money(problem.was_minor, self.view.currency))
            text = w.gettext("This costs %(now)s now; you saw %(was)s.") % {"now": now, "was": was}
        accept = w.gettext("Buy it for %(now)s") % {"now": now}
        price = str(problem.now_minor)
        fields = {"gtin": facts["gtin"], "price_minor": price}
        agree = Way(accept, "accept-price", {**facts, "price": price}, form="price", fields=fields)
        return ShownProblem(problem.kind, text, (agree, self._remove(facts)))

    def _elsewhere(self, line: CheckoutLine) -> list[Way]:
        """Return the shops that have all pieces of a line."""
        left = self.left.get(line.sku, {})
        having = [shop for shop in self.shops if left.get(shop.id, 0) >= line.quantity]
        return [self._collect_at(shop) for shop in having[:OTHER_SHOPS_MAX]]

    def _collect_at(self, shop: Shop) -> Way:
        label = self.w.gettext("Collect at %(shop)s") % {"shop": shop.name}
        fields = {"location_id": shop.id}
        return Way(label, "choose-shop", {"location": shop.id}, form="choose", fields=fields)

    def of_all(self, problem: Problem) -> ShownProblem:
        """Return a problem of the whole checkout."""
        w = self.w
        label = w.gettext("Collect it at the shop")
        collect = Way(label, "choose-collect", form="choose", fields={"method": "collect"})
        others = [self._collect_at(shop) for shop in self.shops[:OTHER_SHOPS_MAX]]
        label = w.gettext("As soon as it is ready")
        soonest = Way(label, "choose-soonest", form="choose", fields={"slot": ""})
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
                fill_in = w.gettext("Fill in the address")
                ways = [Way(fill_in, "fill-address", href="#address-name"), collect]
            case ProblemKind.VOUCHER:
                text = w.gettext("This gift card or voucher is used up or too old.")
                ways = [Way(w.gettext("Pay without it"), "drop-voucher", form="voucher")]
            case _:
                text, ways = w.gettext("This shop takes no orders at the moment."), others
        return ShownProblem(problem.kind, text, tuple(ways))
