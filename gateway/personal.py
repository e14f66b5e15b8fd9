"""What the tables of the gateway hold of people: visits, and messages that could not be done."""

from typing import Final

from cart.personal.model import Erasure, Holding, Inside, Reveals, Scope
from gateway.bands.model import EndReason as BandEndReason
from gateway.binding.model import EndReason

_PLAN_KEPT: Final = "a day after the visit, or until she gives the plan up"
_DEVICES: Final = "a device or a process, of nobody"

HELD: Final = (
    Holding(
        "binding",
        holds="that a device worked for a shopper session in one visit: where, from when to when",
        found=(("session_id", Scope.SESSION),),
        reveals=(
            Reveals("visit", Scope.VISIT, within="device_id"),
            Reveals("prior_cart_id", Scope.CART),
            Reveals("id", Scope.BINDING),
        ),
        shown=(
            *("device_id", "visit", "location_id", "started_at_us", "last_event_at_us"),
            *("claimed_at_us", "ended_at", "end_reason"),
        ),
        hidden=("id", "session_id", "claim_hash", "prior_cart_id", "band_loan_id"),
        erasure=Erasure.BLANK,
        blanks={
            "claim_hash": None,
            "prior_cart_id": None,
            "band_loan_id": None,
            "end_reason": EndReason.ERASED.value,
        },
        why="a device that was offline may still send events of this visit: by this row they are"
        " known as hers and done away with",
        kept="nothing deletes it by itself: a spool may hold an event of it",
    ),
    Holding(
        "dead_letter",
        holds="a message of a device that could not be done, as it came: it may name a visit or"
        " an address",
        inside=(
            Inside("payload", Scope.ADDRESS),
            Inside("payload", Scope.VISIT, within="device_id", key="visit"),
        ),
        shown=("device_id", "reason", "received_at", "payload"),
        hidden=(
            *("id", "topic", "payload_hash", "detail", "last_at", "times", "replayed_at"),
            "outcome",
        ),
        erasure=Erasure.DELETE,
        kept="30 days after it came last, 7 after a replay did it: an operator comes back from a"
        " holiday",
    ),
    Holding(
        "band_loan",
        holds="that a wristband was hers from when to when, what it called her, and whether it"
        " might be noted where she is",
        found=(("session_id", Scope.SESSION),),
        reveals=(Reveals("id", Scope.LOAN),),
        shown=("number", "greeting", "locale", "follow", "handed_out_at", "ended_at", "end_reason"),
        hidden=("id", "session_id", "handed_out_by"),
        erasure=Erasure.BLANK,
        blanks={
            "greeting": "",
            "locale": "en",
            "follow": False,
            "end_reason": BandEndReason.ERASED.value,
        },
        why="which desk gave a band out when, for bands that do not come back; the session is"
        " nobody's any more",
        kept="nothing deletes it by itself; an anonymous one is emptied with its session",
    ),
    Holding(
        "desk_code",
        holds="that her phone shows a code for the welcome desk",
        found=(("session_id", Scope.SESSION),),
        shown=("expires_at",),
        hidden=("session_id", "code_hash"),
        erasure=Erasure.DELETE,
        kept="five minutes are its use; it goes with the next one",
    ),
    Holding(
        "band_presence",
        holds="in which zone of a shop her wristband is at this moment",
        found=(("loan_id", Scope.LOAN),),
        shown=("location_id", "zone_id", "arrived_at", "since"),
        hidden=("number", "loan_id"),
        erasure=Erasure.DELETE,
        kept="until she leaves, or may be followed no more; where she was before is kept nowhere",
    ),
    Holding(
        "band_at_desk",
        holds="that her wristband was held to a desk's reader to pay, a minute ago at most",
        found=(("loan_id", Scope.LOAN),),
        shown=("location_id", "desk", "state", "tapped_at", "expires_at"),
        hidden=("loan_id", "wrong_pins", "wrong_since"),
        erasure=Erasure.DELETE,
        kept="good for a minute; until the next band is held there, or ten minutes have passed",
    ),
    *(
        Holding(table, why="a drawing of the shop's floor, of nobody")
        for table in ("floor_area", "floor_receiver")
    ),
    Holding(
        "turn",
        holds="that she waits for a fitting room or a desk of a shop, and was called",
        found=(("session_id", Scope.SESSION),),
        shown=(
            *("location_id", "zone_id", "number", "state", "joined_at", "called_at", "ended_at"),
            "missed",
        ),
        hidden=("id", "session_id"),
        erasure=Erasure.DELETE,
        kept="twelve hours: until the shop has closed",
    ),
    Holding(
        "size_request",
        holds="that she asked from a fitting room for a size or colour, and what staff said",
        found=(("binding_id", Scope.BINDING),),
        shown=(
            *("location_id", "device_id", "gtin", "had_gtin", "state", "asked_at"),
            *("answered_at", "ended_at", "offered_gtin"),
        ),
        hidden=(
            *("id", "binding_id", "request", "sku", "product_id", "taken_by", "taken_at"),
            "coming_at",
        ),
        erasure=Erasure.DELETE,
        kept="twelve hours after its end: until the shop has closed",
    ),
    Holding(
        "tried_item",
        holds="what she brought into a fitting room with a mirror",
        found=(("binding_id", Scope.BINDING),),
        shown=("gtin", "tried_at"),
        hidden=("binding_id", "sku", "reader"),
        erasure=Erasure.DELETE,
        kept="twelve hours: until the shop has closed",
    ),
    Holding(
        "shop_plan",
        holds="which shop she means to visit when, what staff may call her, and that she came",
        found=(("session_id", Scope.SESSION),),
        shown=("location_id", "comes_at", "called", "made_at", "arrived_at"),
        hidden=("session_id",),
        erasure=Erasure.DELETE,
        kept=_PLAN_KEPT,
    ),
    Holding(
        "plan_line",
        holds="what she means to look at on that visit, and what she has ticked off",
        found=(("session_id", Scope.SESSION),),
        shown=("sku", "gtin", "quantity", "to_try", "done_at"),
        hidden=("session_id", "place", "undone_at"),
        erasure=Erasure.DELETE,
        kept=_PLAN_KEPT,
    ),
    Holding(
        "booking",
        holds="a fitting room or an adviser that she booked, and what became of it",
        found=(("session_id", Scope.SESSION),),
        shown=("location_id", "zone_id", "serves", "starts_at", "state", "booked_at", "ended_at"),
        hidden=("id", "session_id", "ticked_at"),
        erasure=Erasure.DELETE,
        kept=_PLAN_KEPT,
    ),
    Holding(
        "booking_slot",
        why="how many are booked at a place for a quarter hour; of nobody in particular",
    ),
    Holding(
        "serving_zone",
        why="which part of a shop serves, and the last number that was given; of nobody",
    ),
    Holding(
        "zone_stay",
        why="how often somebody stayed for so long, in steps of ten seconds and ten minutes:"
        " nobody in particular",
    ),
    Holding("zone_traffic", why="how many came into a zone in an hour, nobody in particular"),
    Holding(
        "wristband",
        plain=("number",),
        why="a band: its secret, sealed, how its clock and its battery do; whose it is stands in"
        " its loans",
    ),
    Holding(
        "device_event",
        why="that an event of a device was taken in, by its id, so that it counts once; neither"
        " the visit nor what it said is in it",
    ),
    Holding(
        "device_event_past",
        why="the same of events of long ago, by digests of their ids",
    ),
    Holding("device", plain=("name",), why=_DEVICES),
    Holding("enrolment", plain=("name",), why=_DEVICES),
    Holding(
        "device_command",
        plain=("payload", "detail"),
        why="what a device was told to do: settings, a rotation; no cart is sent that way. A"
        " greeting has the name that a shopper chose: until the device has answered, and for"
        " fifteen minutes at most. A call by wristband names what her band sends in those minutes,"
        " and not whose it is, and an answer to a fitting room what was asked for: as long",
    ),
    Holding("device_finding", plain=("detail",), why=_DEVICES),
    *(Holding(table, why=_DEVICES) for table in ("device_seen", "device_stream", "sequence_gap")),
    Holding("twin", why=_DEVICES),
    Holding("device_certificate", why=_DEVICES),
    Holding("gateway_member", plain=("name",), why=_DEVICES),
    Holding("gateway_pulse", why=_DEVICES),
    Holding("lease", plain=("name",), why=_DEVICES),
)
