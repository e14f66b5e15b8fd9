"""Refusals around a plan made at home and what is booked for it."""

from cart.kernel.errors.roots import Conflict, NotFound


class UnknownPlan(NotFound):
    """This phone has no plan, or what is meant does not stand in it."""

    code = "unknown_plan"


class UnknownBooking(NotFound):
    """No booking of this location has this id, or she has none of this kind."""

    code = "unknown_booking"


class TimeNotOffered(Conflict):
    """The shop is closed then, or it is over, or too far ahead."""

    code = "time_not_offered"


class BookingFull(Conflict):
    """All that can be booked for this quarter hour is taken."""

    code = "booking_full"


class AlreadyBooked(Conflict):
    """She has one of this kind already; it can be changed."""

    code = "already_booked"


class BookingClash(Conflict):
    """She has booked something else for the same quarter hour."""

    code = "booking_clash"


class BookingOver(Conflict):
    """It was served, or its time is over: it is neither changed nor cancelled."""

    code = "booking_over"


class PlanNotToday(Conflict):
    """She is not expected yet, or not any more."""

    code = "plan_not_today"
