"""A refusal that says that the checkout is another brings the checkout along, as it is now.

Read when it is answered, and in no transaction of the refusal: what is kept for a repeat
would be old, and a payment that goes well pays nothing for it.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from fastapi.responses import Response

from cart.db import reading
from mobile_api.checkouts import service
from mobile_api.checkouts.schemas import CheckoutOut, checkout_out
from mobile_api.edge.language import locale_of
from mobile_api.edge.problems import MEDIA_TYPE, as_json
from mobile_api.look.words import words
from mobile_api.wiring import Parts

CONFLICT: Final = 409
# Only whose own checkout it is comes so far: of another phone's, nobody hears that it has changed.
BRINGING: Final = frozenset({"checkout_changed", "checkout_closed"})
REFUSED: Final[Mapping[int | str, dict[str, Any]]] = {
    CONFLICT: {
        "description": "What was to be done is no longer what was seen: a problem document."
        " For `checkout_changed` and `checkout_closed` its `data.checkout` is the whole"
        " checkout as it is now."
    }
}


def with_checkout(request: Request, parts: Parts, answer: Response, checkout_id: str) -> Response:
    """Return the answer, with the checkout in it if it says that that is another."""
    if answer.status_code != CONFLICT:
        return answer
    document = json.loads(bytes(answer.body))
    if document.get("code") not in BRINGING:
        return answer
    whole = whole_now(request, parts, checkout_id).model_dump(mode="json")
    document["data"] = {**document.get("data", {}), "checkout": whole}
    return Response(as_json(document), CONFLICT, media_type=MEDIA_TYPE)


def whole_now(request: Request, parts: Parts, checkout_id: str) -> CheckoutOut:
    """Return a checkout in a transaction of its own."""
    spoken = words(locale_of(request))
    with reading(parts.engine) as db:
        return checkout_out(service.read(parts, db, spoken, checkout_id, whole=False), spoken)
