"""The command lines ``gateway devices …`` and ``gateway broker-files``."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from sqlalchemy import Engine
from typer.testing import CliRunner, Result

from cart.db import make_engine, unit_of_work
from cart.db.migrate import upgrade
from cart.kernel.clock import to_us
from cart.run_files import announce
from gateway import cli_broker, cli_devices
from gateway.registry import service
from gateway.registry.model import Seen
from gateway.twin import service as twins
from gateway.twin.model import Report
from gateway.wire.events import HealthData
from gateway.wire.topics import partition_of
from inventory_api.catalogue.tables import LocationRow
from tests.fakes.clock import FakeClock

Run = Callable[..., Result]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The registry that the commands work on; the first one makes its tables."""
    made = make_engine(f"sqlite:///{tmp_path}/var/carryover.db")
    upgrade(made)
    yield made
    made.dispose()


@pytest.fixture
def run(engine: Engine, tmp_path: Path) -> Run:
    """Runs a command against a fresh registry; extra words in capitals are the environment."""
    del engine  # its tables are there
    environment = {"DATABASE_URL": "", "DATA_DIR": str(tmp_path / "var"), "MQTT_URL": ""}

    def run(*words: str, **more: str) -> Result:
        return CliRunner().invoke(cli_devices.app, words, env=environment | more)

    return run


@pytest.fixture
def token(run: Run) -> str:
    """A fresh token for a tablet at Harbour Street."""
    return run("enrol", "--kind", "tablet", "--location", "harbour-street").stdout.strip()


@pytest.fixture
def device(run: Run, token: str) -> dict[str, str]:
    """What a fresh device was told."""
    facts: dict[str, str] = json.loads(run("redeem", token, "--json").stdout)
    return facts


def test_a_token_is_all_that_enrol_prints(run: Run) -> None:
    """So that a script can take it as it is; --json says more."""
    plain = run("enrol", "--kind", "tablet", "--location", "harbour-street")
    assert plain.exit_code == 0
    assert len(plain.stdout.split()) == 1
    facts = json.loads(
        run("enrol", "--kind", "scanner", "--location", "mill-lane", "--json").stdout
    )
    assert facts == {
        "token": facts["token"],
        "kind": "scanner",
        "location": "mill-lane",
        "hours": 24,
    }


def test_redeem_says_where_to_connect(run: Run, token: str, tmp_path: Path) -> None:
    """The running gateway's address, in a form that a shell can evaluate."""
    announce(tmp_path / "var", "gateway", mqtt_host="127.0.0.1", mqtt_port=4711)
    printed = run("redeem", token, "--shell")
    assert printed.exit_code == 0
    facts = dict(shlex.split(line)[0].split("=", 1) for line in printed.stdout.splitlines())
    name = facts["DEVICE_ID"]
    partition = partition_of("harbour-street")
    assert facts == {
        "DEVICE_ID": name,
        "CREDENTIAL": facts["CREDENTIAL"],
        "MQTT_HOST": "127.0.0.1",
        "MQTT_PORT": "4711",
        "MQTT_TLS": "0",
        "EVENTS_TOPIC": f"shop/v1/{partition}/harbour-street/{name}/events",
        "SOURCE": f"/devices/{name}",
    }


def test_redeem_names_the_public_broker(run: Run, token: str) -> None:
    """Where the shop has one, devices are told that address and not the gateway's own."""
    printed = run("redeem", token, "--json", MQTT_PUBLIC_URL="mqtts://broker.example")
    facts = json.loads(printed.stdout)
    assert (facts["mqtt_host"], facts["mqtt_port"], facts["mqtt_tls"]) == (
        "broker.example",
        8883,
        1,
    )


def test_a_token_is_redeemed_once(run: Run, token: str) -> None:
    """The second time is a sentence and exit code 1, and there is one device."""
    assert run("redeem", token).exit_code == 0
    again = run("redeem", token)
    assert again.exit_code == 1
    assert "unknown, used or too old" in again.stderr
    assert again.stdout == ""
    assert len(json.loads(run("list", "--json").stdout)) == 1


def test_what_cannot_be_enrolled_is_said(run: Run) -> None:
    """An unknown kind names those that there are."""
    refused = run("enrol", "--kind", "fridge", "--location", "mill-lane")
    assert refused.exit_code == 1
    assert "tablet" in refused.stderr


def test_an_unknown_location_is_said(run: Run, engine: Engine) -> None:
    """Once the catalogue knows locations, a slip of the pen is caught."""
    with unit_of_work(engine) as db:
        db.add(
            LocationRow(
                id="harbour-street",
                gln="4012345000009",
                name="Harbour Street",
                country="IE",
                timezone="Europe/Dublin",
            )
        )
    refused = run("enrol", "--kind", "tablet", "--location", "harbor-street")
    assert refused.exit_code == 1
    assert "harbour-street" in refused.stderr
    assert refused.stdout == ""
    assert run("enrol", "--kind", "tablet", "--location", "harbour-street").exit_code == 0


def test_list_and_show_say_how_a_device_is(
    run: Run, device: dict[str, str], engine: Engine, clock: FakeClock
) -> None:
    """When it was last seen, what is wanted of it, and what it says of itself."""
    name = device["device_id"]
    assert "never" in run("list").stdout
    with unit_of_work(engine) as db:
        service.seen(db, [Seen(name, to_us(clock.now()), online=True)])
        health = HealthData(firmware="1.4", battery_percent=80)
        twins.report(db, [Report(name, to_us(clock.now()), health)])
    assert run("desire", name, "--locale", "he", "--idle-after", "60").exit_code == 0
    facts = json.loads(run("show", name, "--json").stdout)
    assert facts["last_seen_at"] == clock.now().isoformat()
    assert facts["desired"] == {"version": 1, "locale": "he", "idle_after_s": 60}
    assert facts["reported"]["battery_percent"] == 80
    assert facts["pending"] is True
    assert "online" in run("list").stdout
    assert "harbour-street" in run("show", name).stdout
    assert run("list", "--location", "mill-lane").stdout == ""


def test_a_wish_can_be_taken_back(run: Run, device: dict[str, str]) -> None:
    """A dash, or 0 seconds."""
    name = device["device_id"]
    run("desire", name, "--locale", "he", "--idle-after", "60", "--firmware", "2")
    run("desire", name, "--locale", "-", "--idle-after", "0")
    facts = json.loads(run("show", name, "--json").stdout)
    assert facts["desired"] == {"version": 2, "firmware": "2"}
    refused = run("desire", name, "--locale", "xx")
    assert refused.exit_code == 1
    assert "locale" in refused.stderr


def test_revoke_and_rotate(run: Run, device: dict[str, str]) -> None:
    """A fresh credential is printed; a revoked device gets none."""
    name = device["device_id"]
    fresh = run("rotate", name)
    assert fresh.exit_code == 0
    assert fresh.stdout.strip() not in {"", device["credential"]}
    assert run("revoke", name).exit_code == 0
    assert "revoked" in run("list").stdout
    refused = run("rotate", name)
    assert refused.exit_code == 1
    assert "enrol it anew" in refused.stderr


def test_a_rotation_by_command_prints_no_secret(run: Run, device: dict[str, str]) -> None:
    """The device is asked once, however often the operator does; until then nothing changes."""
    name = device["device_id"]
    first = json.loads(run("rotate", name, "--by-command", "--json").stdout)
    again = json.loads(run("rotate", name, "--by-command", "--json").stdout)
    assert first == again
    assert set(first) == {"device_id", "command_id"}
    assert run("revoke", name).exit_code == 0
    refused = run("rotate", name, "--by-command")
    assert (refused.exit_code, "enrol it anew" in refused.stderr) == (1, True)


@pytest.mark.parametrize("words", [("show",), ("revoke",), ("rotate",), ("desire", "--locale=pl")])
def test_a_device_that_does_not_exist(run: Run, words: tuple[str, ...]) -> None:
    """One sentence that names it, exit code 1."""
    refused = run(words[0], "tab-000000", *words[1:])
    assert refused.exit_code == 1
    assert refused.stderr == "there is no device 'tab-000000'\n"


def test_changes_reach_mosquittos_password_file(run: Run, tmp_path: Path) -> None:
    """Enrolled devices are in it, revoked ones are not."""
    passwords = tmp_path / "passwords"
    setting = {"MOSQUITTO_PASSWORD_FILE": str(passwords)}
    token = run("enrol", "--kind", "tablet", "--location", "mill-lane").stdout.strip()
    name = json.loads(run("redeem", token, "--json", **setting).stdout)["device_id"]
    before = passwords.read_text()
    assert f"{name}:$7$" in before
    run("rotate", name, **setting)
    assert f"{name}:$7$" in passwords.read_text()
    assert passwords.read_text() != before
    run("revoke", name, **setting)
    assert name not in passwords.read_text()


def test_broker_files_are_written(tmp_path: Path) -> None:
    """The command says how to start the broker and how to reach it."""
    app = typer.Typer()
    app.command()(cli_broker.broker_files)
    out = tmp_path / "mosquitto"
    environment = {"DATABASE_URL": "", "DATA_DIR": str(tmp_path / "var")}
    printed = CliRunner().invoke(
        app, ["--out", str(out), "--port", "2883", "--user", "root"], env=environment
    )
    assert printed.exit_code == 0
    assert f"mosquitto -c {out}/mosquitto.conf" in printed.stdout
    assert "listener 2883" in (out / "mosquitto.conf").read_text()
    assert "$SYS/broker" in (out / "mosquitto.conf").read_text()
    assert (out / "server-passwords").read_text().startswith("server:$7$")
    assert not (out / "passwords").read_text()
    assert (tmp_path / "var" / "broker.key").stat().st_mode & 0o777 == 0o600
