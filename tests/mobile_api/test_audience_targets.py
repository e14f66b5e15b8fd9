"""Audiences begun at the terminal, and told to a webhook of the retailer's."""

import json
from pathlib import Path
from typing import Final

import pytest
from typer.testing import CliRunner

from cart.audit.service import newest
from cart.db import make_engine, reading, unit_of_work
from cart.db.migrate import upgrade
from cart.journeys.audiences.hashing import Style
from cart.journeys.audiences.targets import WEBHOOK, Upload
from cart.journeys.segments import service as segments
from cart.journeys.segments.rule import read
from cart.kernel.clock import SystemClock
from cart.kernel.errors import Unavailable
from cart.kernel.ids import RandomIds
from mobile_api.cli import app
from mobile_api.outgoing.posting import Outgoing
from mobile_api.segments.targets import targets
from mobile_api.settings import ApiSettings
from tests.mobile_api.shop import SECRET
from tests.real.webhook import webhook

HOST: Final = "ads.example"
UPLOAD: Final = Upload("aud-1", 3, Style.META, ["a" * 64], ["b" * 64])


def settings(folder: Path, url: str) -> ApiSettings:
    """Return settings with an address for audiences."""
    return ApiSettings(data_dir=folder, secret_key=SECRET, audience_url=url)


def test_a_webhook_is_told_or_it_is_told_again(tmp_path: Path) -> None:
    """Under a key, as JSON; what is no yes is no delivery, and nothing goes into our network."""
    with webhook() as there:
        url = f"http://{HOST}:{there.port}/in"
        outgoing = Outgoing(exempt=frozenset({HOST}), resolve=lambda *_: ["127.0.0.1"])
        target = targets(settings(tmp_path, url), outgoing)[WEBHOOK]
        target.take(UPLOAD)
        [(said, body)] = there.got
        assert said["idempotency-key"] == "aud-1-3"
        told = json.loads(body)
        assert (told["add"], told["remove"]) == (["a" * 64], ["b" * 64])
        there.answers = [503]
        with pytest.raises(Unavailable, match="503"):
            target.take(UPLOAD)
        inside = targets(settings(tmp_path, f"https://{HOST}:{there.port}/in"), Outgoing())
        with pytest.raises(Unavailable):
            inside[WEBHOOK].take(UPLOAD)
        assert len(there.got) == 2
    assert WEBHOOK not in targets(settings(tmp_path, ""), outgoing)


def test_the_terminal_begins_and_ends_one_and_says_so_in_the_log(
    tmp_path: Path, sqlite_url: str
) -> None:
    """A target that is not there is refused before anything is kept."""
    engine = make_engine(sqlite_url)
    upgrade(engine)
    with unit_of_work(engine) as db:
        rule = read('{"if":"seen","days":300}')
        made = segments.make(db, SystemClock(), RandomIds(), name="Seen", rule=rule, by="me")
    environment = {"DATABASE_URL": sqlite_url, "DATA_DIR": str(tmp_path), "SECRET_KEY": SECRET}
    runner = CliRunner()

    def run(*arguments: str) -> tuple[int, str]:
        done = runner.invoke(app, ["audiences", *arguments], env=environment)
        return done.exit_code, done.output.strip()

    assert run("begin", made.id, "--style", "google", "--target", "webhook")[0] != 0
    assert run("list") == (0, "")
    code, audience = run("begin", made.id, "--style", "google")
    assert code == 0
    assert run("list") == (0, f"{audience}  {made.id}  google  file  active")
    assert run("end", audience)[0] == 0
    assert run("list")[1].endswith("file  ended")
    assert run("end", "aud-none")[0] != 0
    with reading(engine) as db:
        actions = {one.action for one in newest(db)}
    engine.dispose()
    assert {"audience.begin", "audience.end"} <= {str(one) for one in actions}
