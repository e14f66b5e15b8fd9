"""The engine: what its errors say, and to whom they may be shown."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from cart.db import reading


def test_an_error_does_not_repeat_what_was_bound(engine: Engine) -> None:
    """Errors go to logs; an address among a statement's values must not."""
    with pytest.raises(DBAPIError) as failed, reading(engine) as db:
        db.connection().execute(
            text("SELECT * FROM nowhere WHERE email = :email"), {"email": "noa@example.com"}
        )
    assert "noa@example.com" not in str(failed.value)
