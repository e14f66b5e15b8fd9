"""How somebody signs in with a phone: the form, the code from the mail, the form."""

from typing import Any

import httpx2
from fastapi import FastAPI
from sqlmodel import col, select
from starlette.testclient import TestClient

from cart.carts.queries import session_of_key
from cart.db import reading
from cart.profile.model import code_of
from cart.profile.tables import SignInCodeRow

ADA, BEN = "ada@example.org", "ben@example.org"
Client = TestClient | httpx2.Client


def newest(app: FastAPI) -> SignInCodeRow:
    """Return the code that was asked for last."""
    with reading(app.state.parts.engine) as db:
        return db.exec(select(SignInCodeRow).order_by(col(SignInCodeRow.id).desc())).all()[0]


def code(app: FastAPI) -> str:
    """Return the digits that were asked for last, as the mail has them."""
    return code_of(app.state.parts.secret, newest(app).id)


def ask(phone: Client, email: str = ADA, **headers: str) -> Any:  # noqa: ANN401
    """Ask for a code."""
    return phone.post("/sign-in", data={"email": email}, headers=headers, follow_redirects=False)


def use(phone: Client, typed: str, **headers: str) -> Any:  # noqa: ANN401
    """Type a code."""
    return phone.post(
        "/sign-in/code", data={"code": typed}, headers=headers, follow_redirects=False
    )


def sign_in(app: FastAPI, phone: Client, email: str = ADA, **headers: str) -> None:
    """Sign in."""
    assert ask(phone, email).status_code == 303
    answer = use(phone, code(app), **headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text


def cart_of(app: FastAPI, phone: Client) -> str:
    """Return the id of the cart that this phone opens."""
    with reading(app.state.parts.engine) as db:
        found = session_of_key(db, phone.cookies["carryover"], app.state.parts.clock.now())
        assert found is not None
        return found.cart_id
