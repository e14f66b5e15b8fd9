"""The audit log's codes in words. The command line and integrators go by the codes."""

from collections.abc import Mapping
from typing import Final

from cart.audit.model import Action
from cart.picking.doors import CODE_AWAITED
from mobile_api.edge.problems import N_, TITLES

ACTION_WORDS: Final[Mapping[str, str]] = {
    Action.SIGN_IN: N_("Signed in"),
    Action.SIGN_OUT: N_("Signed out"),
    Action.LOCK: N_("Locked the device"),
    Action.RESUME: N_("Opened the device again"),
    Action.STAFF_ADD: N_("Took somebody on"),
    Action.STAFF_NEW_PIN: N_("Gave a new PIN"),
    Action.STAFF_DEACTIVATE: N_("Closed an account"),
    Action.STAFF_GRANT: N_("Gave a permission"),
    Action.STAFF_TAKE_BACK: N_("Took a permission back"),
    Action.STAFF_ROLE: N_("Gave another role"),
    Action.SECOND_ENROL: N_("Set up a second factor"),
    Action.SECOND_RECOVERY: N_("Used a recovery code"),
    Action.SECOND_CODES: N_("Made new recovery codes"),
    Action.SECOND_RESET: N_("Took a second factor away"),
    Action.TASK_CLAIM: N_("Took a pick task"),
    Action.TASK_TAKE_OVER: N_("Took a pick task over"),
    Action.TASK_RELEASE: N_("Gave a pick task back"),
    Action.TASK_GIVE: N_("Gave a pick task to somebody"),
    Action.TASK_STAGE: N_("Put an order on its shelf"),
    Action.LINE_PICK: N_("Picked a line"),
    Action.LINE_UNPICK: N_("Took a pick back"),
    Action.LINE_SHORT: N_("Reported something missing"),
    Action.ORDER_SEE: N_("Looked at an order"),
    Action.ORDER_HAND_OVER: N_("Handed an order over"),
    Action.ORDER_RESEND: N_("Sent the ready message again"),
    Action.ORDER_LATER: N_("Gave an order more time"),
    Action.ORDER_RETURN: N_("Took goods back"),
    Action.REFUND_RETRY: N_("Had a refund tried again"),
    Action.BAND_PAY: N_("Took a payment by wristband"),
    Action.BAND_PAY_OPEN: N_("Opened the checkout of whoever held a wristband to a desk"),
    Action.LETTER_SEE: N_("Looked at a dead letter"),
    Action.LETTER_REPLAY: N_("Sent a dead letter again"),
    Action.DEVICE_ENROL: N_("Enrolled a device"),
    Action.DEVICE_TOKEN: N_("Made an enrolment token"),
    Action.DEVICE_REVOKE: N_("Revoked a device"),
    Action.DEVICE_ROTATE: N_("Had a credential exchanged"),
    Action.FINDING_LOOKED_AT: N_("Looked at what is odd about a device"),
    Action.DEVICE_DESIRE: N_("Set what a device shall be"),
    Action.FLOOR_DRAW: N_("Drew the floor of a shop"),
    Action.BAND_MAKE: N_("Made a wristband"),
    Action.BAND_HAND_OUT: N_("Handed a wristband out"),
    Action.BAND_HAND_BACK: N_("Took a wristband back"),
    Action.BAND_LOST: N_("Noted that a wristband is lost"),
    Action.BAND_RETIRE: N_("Took a wristband out of use"),
    Action.BAND_TRUST: N_("Trusted a wristband again"),
    Action.TURN_CALL: N_("Called the next of a queue"),
    Action.TURN_CAME: N_("Noted that somebody called was there"),
    Action.TURN_NOT_HERE: N_("Noted that somebody called was not there"),
    Action.STOCK_MOVE: N_("Moved stock"),
    Action.STOCK_COUNT: N_("Counted stock"),
    Action.STOCK_RECOUNT: N_("Brought the ledger to what is on hand"),
    Action.FEED_IMPORT: N_("Imported a feed"),
    Action.TERMS_SET: N_("Set a shop's terms"),
    Action.VOUCHER_ISSUE: N_("Issued a voucher"),
    Action.VOUCHER_SEE: N_("Looked at a voucher"),
    Action.ERASURE_ASK: N_("Had a customer's data erased"),
    Action.EXPORT: N_("Exported a customer's data"),
    Action.AUDIT_SEE: N_("Looked at the audit log"),
}
ROLE_WORDS: Final[Mapping[str, str]] = {
    "associate": N_("Associate"),
    "lead": N_("Lead"),
    "manager": N_("Manager"),
    "marketer": N_("Marketer"),
    "operator": N_("Operator"),
    "terminal": N_("Command line"),
    "nobody": N_("Not signed in"),
}
# Outcomes that are no refusals have words of their own.
OUTCOME_WORDS: Final[Mapping[str, str]] = {
    **TITLES,
    CODE_AWAITED: N_("Right PIN; the code was still to come"),
}
