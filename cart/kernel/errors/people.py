"""Refusals about who somebody is: codes by e-mail, sessions, carts that were joined."""

from cart.kernel.errors.carrying import NoSession
from cart.kernel.errors.roots import Conflict, LimitExceeded, NotFound, Refused


class SignInNeeded(NoSession):
    """A page of a customer's own, and nobody is signed in on this phone."""

    code = "sign_in_needed"


class SignInCodeRefused(Refused):
    """A code from an e-mail that is wrong, used, too old, or was asked for by another browser."""

    code = "sign_in_code_refused"


class PasskeyRefused(Refused):
    """A passkey that we do not know, or that did not answer what this browser was asked."""

    code = "passkey_refused"


class FreshSignInNeeded(Refused):
    """She is signed in, but not lately: this asks for her anew."""

    code = "fresh_sign_in_needed"


class TooManyPasskeys(LimitExceeded):
    """A customer has as many as we keep."""

    code = "too_many_passkeys"


class TooManyAttempts(LimitExceeded):
    """So often within the time that somebody may be guessing. ``retry_after_s``: when again."""

    code = "too_many_attempts"


class UnknownJoining(NotFound):
    """No joining of carts has this id, or it is another customer's."""

    code = "unknown_joining"


class UndoClosed(Conflict):
    """The time to undo it is over, or what it brought is being paid or was paid."""

    code = "undo_closed"


class ConsentMissing(Refused):
    """Something that needs consent, and there is none: never given, withdrawn, or too narrow."""

    code = "consent_missing"


class BrowserRefuses(Refused):
    """The browser says ``Sec-GPC: 1``, and what was asked for is what that refuses."""

    code = "browser_refuses"


class ConsentChanged(Conflict):
    """She has decided since, or the wording is another by now: to be looked at again."""

    code = "consent_changed"


class UnknownWithdrawal(NotFound):
    """A link for withdrawing consent that is not ours, or not complete."""

    code = "unknown_withdrawal"


class ErasureWaits(Conflict):
    """Something of hers is still under way: an order to be collected, or a payment."""

    code = "erasure_waits"
