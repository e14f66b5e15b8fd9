"""What is held of sales: checkouts, payments, orders, their picking; and what staff did."""

from typing import Final

from cart.personal.model import Emptied, Erasure, Holding, Reveals, Scope

_BOOKS: Final = (
    "a sale: bookkeeping and tax law want amounts, tax, date and lines for as long as the law of"
    " the location says; whom it was sold to is taken out of it"
)
_FLOOR: Final = "how the goods of a sale were moved; of a person it holds the order's id only"
_FOR_THE_BOOKS: Final = (
    "as long as the books (by law, 6 to 10 years); nothing deletes them by itself"
)
_WITH_ITS_ORDER: Final = "with its order"
_STAFF: Final = "it is an employee's, kept under her contract; an erasure of a shopper is not hers"

SELLING: Final = (
    Holding("location_terms", why="terms of a shop"),
    Holding("tax_rate", why="terms of a shop"),
    Holding("ticket_sequence", why="a number of a shop"),
    Holding("slot", why="a number of orders, whosesoever"),
    Holding(
        "checkout",
        holds="how she wanted to buy: address, e-mail, method, when",
        found=(("session_id", Scope.SESSION), ("cart_id", Scope.CART)),
        mentions=(("email", ""),),
        reveals=(Reveals("id", Scope.CHECKOUT),),
        shown=(
            *("id", "location_id", "currency", "state", "method", "slot_at", "email", "locale"),
            *("address", "order_id", "created_at", "changed_at"),
        ),
        hidden=("cart_id", "session_id", "voucher_id", "attempt_id", "version"),
        erasure=Erasure.BLANK,
        blanks={"email": "", "address": {}},
        why=_BOOKS,
        kept="its addresses: ORDER_EMAIL_KEEP_DAYS after it was touched; the rest for the books",
    ),
    Holding(
        "agreed_price",
        holds="a price that she agreed to",
        found=(("checkout_id", Scope.CHECKOUT),),
        shown=("checkout_id", "gtin", "price_minor"),
        erasure=Erasure.DELETE,
        kept="with its checkout",
    ),
    Holding(
        "pay_attempt",
        holds="a try to pay: what it would buy, with e-mail and address of then",
        found=(("checkout_id", Scope.CHECKOUT),),
        mentions=(("wanted", "email"),),
        reveals=(Reveals("id", Scope.ATTEMPT),),
        shown=(
            *("id", "checkout_id", "state", "total_minor", "shipping_minor", "currency"),
            *("wanted", "started_at", "ended_at"),
        ),
        hidden=("slot_at", "promise_at", "reserved_until", "failure"),
        erasure=Erasure.BLANK,
        blanks={"wanted": Emptied({"email": "", "address": {}})},
        why=_BOOKS,
        kept=f"its addresses: ORDER_EMAIL_KEEP_DAYS after it is over; the rest {_FOR_THE_BOOKS}",
    ),
    Holding(
        "tender",
        holds="a means of payment and its amount; nothing of a card: that is the provider's",
        found=(("attempt_id", Scope.ATTEMPT),),
        reveals=(Reveals("id", Scope.TENDER), Reveals("provider_ref", Scope.PAYMENT)),
        shown=(
            *("id", "order_id", "kind", "state", "amount_minor", "refunded_minor", "currency"),
            *("provider", "created_at"),
        ),
        hidden=("attempt_id", "provider_ref", "redirect_url", "voucher_id"),
        erasure=Erasure.BLANK,
        blanks={"redirect_url": ""},
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "provider_event",
        holds="that a payment's state was told; by the provider's own name of the payment",
        found=(("provider_ref", Scope.PAYMENT),),
        shown=("outcome", "received_at"),
        hidden=("provider", "event_id", "provider_ref"),
        erasure=Erasure.KEEP,
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "purse",
        holds="that she pays with her wristband: her limits, what she spent on the last day",
        found=(("customer_id", Scope.CUSTOMER),),
        shown=(
            *("currency", "limit_payment_minor", "limit_day_minor", "spent_on", "spent_minor"),
            *("active", "created_at", "changed_at"),
        ),
        hidden=("customer_id", "voucher_id", "pin_hash", "wrong_pins"),
        erasure=Erasure.DELETE,
        kept="until she has all that is hers erased; she takes her balance out first",
    ),
    Holding("voucher", why="whoever has its code may spend it; whose it is is not known"),
    Holding("voucher_entry", why="an amount and the attempt or refund that it was for"),
    Holding(
        "placed_order",
        holds="what she bought, when and where, with e-mail and address",
        found=(("session_id", Scope.SESSION),),
        mentions=(("email", ""),),
        reveals=(Reveals("id", Scope.ORDER),),
        shown=(
            *("id", "location_id", "currency", "state", "method", "ticket", "email", "locale"),
            *("address", "total_minor", "tax_minor", "shipping_minor", "promise_at"),
            *("placed_at", "here_at", "ready_at", "handed_over_at", "reminded_at"),
        ),
        hidden=("checkout_id", "session_id", "shelf", "wrong_codes", "version"),
        erasure=Erasure.BLANK,
        blanks={"email": "", "address": {}, "locale": "en"},
        why=_BOOKS,
        kept=f"its e-mail: ORDER_EMAIL_KEEP_DAYS after it is closed; the rest {_FOR_THE_BOOKS}",
    ),
    Holding(
        "order_line",
        holds="one thing that she bought",
        found=(("order_id", Scope.ORDER),),
        reveals=(Reveals("id", Scope.ORDER_LINE),),
        shown=(
            *("id", "order_id", "position", "gtin", "sku", "name", "colour", "size"),
            *("quantity", "picked", "cancelled", "handed_over", "returned"),
            *("price_minor", "tax_rate_bp", "replaces"),
        ),
        hidden=("stock_reference", "name_i18n", "colour_i18n", "picture"),
        erasure=Erasure.KEEP,
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "order_event",
        holds="what happened to an order, and when",
        found=(("order_id", Scope.ORDER),),
        shown=("order_id", "number", "what", "at"),
        hidden=("actor", "data"),
        erasure=Erasure.KEEP,
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "refund",
        holds="money that she is owed or was given back",
        found=(("tender_id", Scope.TENDER),),
        shown=(
            *("id", "order_id", "amount_minor", "currency", "reason", "state"),
            *("created_at", "done_at"),
        ),
        hidden=("tender_id", "reference", "provider_ref", "failure", "retries"),
        erasure=Erasure.KEEP,
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "order_letter",
        holds="that a mail about an order was sent, and when",
        found=(("order_id", Scope.ORDER),),
        shown=("order_id", "kind", "state", "requested_at", "sent_at"),
        hidden=("id", "failure"),
        erasure=Erasure.DELETE,
        kept=_WITH_ITS_ORDER,
    ),
)

PICKING: Final = (
    Holding("staff", plain=("name", "number"), why=_STAFF),
    Holding("staff_permission", why=_STAFF),
    Holding("staff_session", why=_STAFF),
    Holding("staff_halfway", why=_STAFF),
    Holding("staff_second_factor", why=_STAFF),
    Holding("staff_passkey", plain=("device",), why=_STAFF),
    Holding("staff_challenge", why=_STAFF),
    Holding("staff_identity", why=_STAFF),
    Holding("staff_recovery_code", why=_STAFF),
    Holding(
        "pick_task",
        holds="when an order was picked",
        found=(("order_id", Scope.ORDER),),
        reveals=(Reveals("id", Scope.TASK),),
        shown=("order_id", "state", "pieces", "created_at", "started_at", "finished_at"),
        hidden=("id", "location_id", "promise_at", "claimed_by", "walk_id", "version"),
        erasure=Erasure.KEEP,
        why=_FLOOR,
        kept=_WITH_ITS_ORDER,
    ),
    Holding(
        "pick_line",
        holds="how many pieces of an order were found",
        found=(("task_id", Scope.TASK),),
        shown=("gtin", "sku", "quantity", "picked", "short", "short_reason"),
        hidden=(
            *("id", "task_id", "order_line_id", "zone_id", "zone_name", "zone_name_i18n"),
            *("bay_id", "walk_order"),
        ),
        erasure=Erasure.KEEP,
        why=_FLOOR,
        kept=_WITH_ITS_ORDER,
    ),
    Holding(
        "substitution",
        holds="what she was offered instead, and what she said",
        found=(("order_id", Scope.ORDER),),
        shown=(
            *("order_id", "order_line_id", "gtin", "sku", "quantity", "price_minor", "state"),
            *("offered_at", "answered_at"),
        ),
        hidden=("id", "offered_by", "expires_at"),
        erasure=Erasure.KEEP,
        why=_FLOOR,
        kept=_WITH_ITS_ORDER,
    ),
    Holding(
        "goods_return",
        holds="what she brought back",
        found=(("order_line_id", Scope.ORDER_LINE),),
        shown=("order_line_id", "quantity", "reason", "at"),
        hidden=("id", "restocked", "taken_by"),
        erasure=Erasure.KEEP,
        why=_BOOKS,
        kept=_FOR_THE_BOOKS,
    ),
    Holding(
        "erasure",
        plain=("customer_id", "customer_hash"),
        why="evidence of erasures: the customer until it is done, then a keyed hash of her id",
    ),
    Holding(
        "audit",
        why="entries name people and things by their ids only; a shopper is never who acts, and"
        " the log is only appended to, so that it proves what staff did",
    ),
)
