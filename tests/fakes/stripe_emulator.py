"""Stripe's Checkout Sessions and refunds on loopback, strict: what Stripe refuses, it refuses.

A real HTTP server with the form-encoded API: the official SDK talks to it. Unknown
parameters, a page open for too short, a key used for another request and a refund
above what was captured are errors, as at Stripe. Shapes and rules are those of
Stripe's API reference; nothing here is Stripe's code.
"""

import hashlib
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

EXPIRES_S = (30 * 60, 24 * 3600)  # a session may be open, from its creation
CREATE_KNOWN = {
    "allowed_payment_method_types[0]",
    "cancel_url",
    "client_reference_id",
    "customer_email",
    "expires_at",
    "line_items[0][price_data][currency]",
    "line_items[0][price_data][product_data][name]",
    "line_items[0][price_data][unit_amount]",
    "line_items[0][quantity]",
    "locale",
    "metadata[carryover_attempt]",
    "mode",
    "payment_intent_data[metadata][carryover_attempt]",
    "success_url",
}
REFUND_KNOWN = {"amount", "metadata[carryover_refund]", "payment_intent"}
LOCALES = {"auto", "en", "pl"}  # of Stripe's; Hebrew is none of them


class StripeRefusal(Exception):
    """An error answer."""

    def __init__(self, status: int, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message}}


@dataclass
class StripeEmulator:
    """The account: its sessions, what was captured and refunded, and what is to go wrong next.

    ``trouble``: statuses with which the next calls are answered instead; 0 does the
    work and hangs up without an answer.
    """

    secret_key: str = "sk_test_emulator"
    webhook_secret: str = "whsec_emulator"
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)
    refunds: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: list[int] = field(default_factory=list)
    answers: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        account = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def do_GET(self) -> None:
                """Take a GET."""
                account.answer(self, {})

            def do_POST(self) -> None:
                """Take a POST."""
                size = int(self.headers.get("content-length") or 0)
                account.answer(self, dict(parse_qsl(self.rfile.read(size).decode())))

            def log_message(self, *_arguments: object) -> None:
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def pay(self, session_id: str) -> None:
        """Let the shopper pay at the hosted page."""
        session = self.sessions[session_id]
        assert session["status"] == "open"
        session.update(status="complete", payment_status="paid", payment_intent=f"pi_{session_id}")
        self.refunded[session["payment_intent"]] = 0

    def webhook(
        self, kind: str, session_id: str, *, secret: str = "", age_s: int = 0
    ) -> tuple[bytes, dict[str, str]]:
        """Return the body and headers of an event about a session, signed."""
        return self.event(kind, self.sessions[session_id], secret=secret, age_s=age_s)

    def lose(self, refund_id: str, reason: str = "lost_or_stolen_card") -> None:
        """Let a refund that was accepted come back from the card's bank."""
        refund = self.refunds[refund_id]
        assert refund["status"] == "succeeded"
        refund.update(status="failed", failure_reason=reason)
        self.refunded[refund["payment_intent"]] -= refund["amount"]

    def event(
        self, kind: str, about: dict[str, Any], *, secret: str = "", age_s: int = 0
    ) -> tuple[bytes, dict[str, str]]:
        """Return the body and headers of an event about a session or a refund, signed."""
        event = {
            "id": f"evt_{kind}_{about['id']}",
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "api_version": "2026-10-28.endive",
            "livemode": False,
            "pending_webhooks": 1,
            "request": None,
            "data": {"object": about},
        }
        body = json.dumps(event).encode()
        at = int(time.time()) - age_s
        key = (secret or self.webhook_secret).encode()
        signature = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        return body, {"stripe-signature": f"t={at},v1={signature}"}

    def balance_minor(self) -> int:
        """Return all that was captured and not refunded."""
        paid = [one for one in self.sessions.values() if one["payment_status"] == "paid"]
        captured = sum(int(one["amount_total"]) for one in paid)
        return captured - sum(self.refunded.values())

    def answer(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        """Answer one request."""
        with self._lock:
            trouble = self.trouble.pop(0) if self.trouble else HTTPStatus.OK
            try:
                self._let_in(request, trouble)
                status, body = 200, self._once(request, form)
            except StripeRefusal as refusal:
                status, body = refusal.status, refusal.body
        if not trouble:
            request.close_connection = True
            request.connection.close()
            return
        content = json.dumps(body).encode()
        request.send_response(status)
        request.send_header("content-type", "application/json")
        request.send_header("content-length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _let_in(self, request: BaseHTTPRequestHandler, trouble: int) -> None:
        if request.headers.get("authorization") != f"Bearer {self.secret_key}":
            raise StripeRefusal(401, "Invalid API Key provided")
        if trouble >= HTTPStatus.BAD_REQUEST:
            raise StripeRefusal(trouble, "try again", "api_error")

    def _once(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> dict[str, Any]:
        key = request.headers.get("idempotency-key")
        asked = json.dumps([request.path, form], sort_keys=True)
        if request.command == "POST" and key in self.answers:
            first, given = self.answers[key]
            if first != asked:
                raise StripeRefusal(400, "the key was used otherwise", "idempotency_error")
            return given
        body: dict[str, Any] = json.loads(json.dumps(self._route(request, form)))
        if request.command == "POST" and key:
            self.answers[key] = asked, body
        return body

    def _route(self, request: BaseHTTPRequestHandler, form: dict[str, str]) -> dict[str, Any]:
        match [request.command, *request.path.strip("/").split("/")]:
            case ["POST", "v1", "checkout", "sessions"]:
                return self._create(form)
            case ["GET", "v1", "checkout", "sessions", session_id]:
                return self._session(session_id)
            case ["POST", "v1", "checkout", "sessions", session_id, "expire"]:
                session = self._session(session_id)
                if session["status"] != "open":
                    raise StripeRefusal(400, "Only open Checkout Sessions can be expired.")
                session["status"] = "expired"
                return session
            case ["POST", "v1", "refunds"]:
                return self._refund(form)
            case _:
                raise StripeRefusal(404, f"Unrecognized request URL {request.path}")

    def _session(self, session_id: str) -> dict[str, Any]:
        if session_id not in self.sessions:
            raise StripeRefusal(404, f"No such checkout.session: '{session_id}'")
        return self.sessions[session_id]

    def _create(self, form: dict[str, str]) -> dict[str, Any]:
        if unknown := set(form) - CREATE_KNOWN:
            raise StripeRefusal(400, f"Received unknown parameters: {sorted(unknown)}")
        open_s = int(form["expires_at"]) - time.time()
        if not EXPIRES_S[0] <= open_s <= EXPIRES_S[1]:
            raise StripeRefusal(400, "expires_at must be between 30 minutes and 24 hours away")
        if form["mode"] != "payment" or form["locale"] not in LOCALES:
            raise StripeRefusal(400, "Invalid mode or locale")
        price = "line_items[0][price_data]"
        session_id = f"cs_test_{len(self.sessions)}"
        self.sessions[session_id] = {
            "id": session_id,
            "object": "checkout.session",
            "amount_total": int(form[f"{price}[unit_amount]"])
            * int(form["line_items[0][quantity]"]),
            "currency": form[f"{price}[currency]"],
            "client_reference_id": form["client_reference_id"],
            "expires_at": int(form["expires_at"]),
            "metadata": {"carryover_attempt": form["metadata[carryover_attempt]"]},
            "mode": "payment",
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "url": f"https://checkout.stripe.example/{session_id}",
        }
        return self.sessions[session_id]

    def _refund(self, form: dict[str, str]) -> dict[str, Any]:
        if unknown := set(form) - REFUND_KNOWN:
            raise StripeRefusal(400, f"Received unknown parameters: {sorted(unknown)}")
        intent, amount = form["payment_intent"], int(form["amount"])
        paid = sum(
            one["amount_total"] for one in self.sessions.values() if one["payment_intent"] == intent
        )
        if intent not in self.refunded or self.refunded[intent] + amount > paid:
            raise StripeRefusal(400, "Refund amount is greater than unrefunded amount on charge")
        self.refunded[intent] += amount
        made = {
            "id": f"re_{len(self.refunds)}",
            "object": "refund",
            "amount": amount,
            "metadata": {"carryover_refund": form["metadata[carryover_refund]"]},
            "payment_intent": intent,
            "status": "succeeded",
        }
        self.refunds[str(made["id"])] = made
        return made
