"""``gateway devices …``: who is enrolled, and what is wanted of it.

Prints; decides nothing. Every refusal is one sentence on stderr and exit code 1.
"""

import json
import shlex
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import typer

from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock, from_us
from cart.kernel.ids import RandomIds
from gateway.cli_database import opened
from gateway.cli_streams import streams
from gateway.commands.service import ask_rotate
from gateway.findings.service import findings, is_open
from gateway.findings.tables import DeviceFindingRow
from gateway.handout import connection_facts
from gateway.mosquitto import tell_mosquitto
from gateway.registry import queries, service
from gateway.registry.locations import require_location
from gateway.registry.model import KINDS, ListedDevice
from gateway.twin import queries as twins
from gateway.twin import service as twin_service
from gateway.twin.model import Desired

COUNT_MAX = 2_000  # in one transaction, so bounded

app = typer.Typer(no_args_is_help=True, help="Enrol devices, look at them, revoke them.")
app.command("streams")(streams)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
DeviceId = Annotated[str, typer.Argument(help="The device's id, as in `gateway devices list`.")]


@app.command()
def enrol(
    *,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(KINDS)}.")],
    location: Annotated[str, typer.Option(help="Where it will stand, e.g. harbour-street.")],
    name: Annotated[str, typer.Option(help="What people there call it.")] = "",
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long the token is good.")] = 24,
    count: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="That many devices.")] = 1,
    redeem_now: Annotated[
        bool, typer.Option("--redeem", help="Make the devices too; print what they connect with.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print a one-time token with which one device can enrol; with --count a line for each."""
    clock, ids = SystemClock(), RandomIds()
    with opened() as (engine, settings):
        with unit_of_work(engine) as db:
            require_location(db, location)
            tokens = [
                service.enrol(
                    db,
                    clock,
                    ids,
                    kind=kind,
                    location_id=location,
                    name=name,
                    lifetime=timedelta(hours=hours),
                )
                for _ in range(count)
            ]
            devices = [service.redeem(db, clock, ids, token=one) for one in tokens if redeem_now]
            note_at_terminal(db, Action.DEVICE_TOKEN, *[On("location", location) for _ in tokens])
            note_at_terminal(
                db, Action.DEVICE_ENROL, *[On("device", one.device_id) for one in devices]
            )
        if devices:
            tell_mosquitto(engine, settings, ids)
        made = [connection_facts(settings, device) for device in devices]
    for facts in made:
        _print_facts(facts, as_json=as_json, shell=False)
    for token in () if redeem_now else tokens:
        told = {"token": token, "kind": kind, "location": location, "hours": hours}
        typer.echo(json.dumps(told) if as_json else token)


@app.command()
def redeem(
    token: Annotated[str, typer.Argument(help="From `gateway devices enrol`; good once.")],
    *,
    as_json: AsJson = False,
    shell: Annotated[bool, typer.Option("--shell", help="Print lines for `eval`.")] = False,
) -> None:
    """Turn a token into a device: print its id, its credential and where it connects."""
    with opened() as (engine, settings):
        with unit_of_work(engine) as db:
            device = service.redeem(db, SystemClock(), RandomIds(), token=token)
            note_at_terminal(db, Action.DEVICE_ENROL, On("device", device.device_id))
        tell_mosquitto(engine, settings, RandomIds())
        facts = connection_facts(settings, device)
    _print_facts(facts, as_json=as_json, shell=shell)


@app.command("list")
def list_devices(
    *,
    location: Annotated[str | None, typer.Option(help="Only those of this location.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print every device with when it was last seen."""
    with opened() as (engine, _), reading(engine) as db:
        found = queries.listed(db, location_id=location)
    if as_json:
        typer.echo(json.dumps([_device_facts(one) for one in found]))
        return
    for one in found:
        state = "revoked" if one.revoked_at else "online" if one.online else "offline"
        typer.echo(
            f"{one.id:<14} {one.kind:<9} {one.location_id:<20} {state:<8}"
            f" {_when(one.last_seen_at):<20} {one.name}".rstrip()
        )


@app.command()
def show(device_id: DeviceId, *, as_json: AsJson = False) -> None:
    """Print one device, both halves of its twin, and when it was last seen."""
    with opened() as (engine, _), reading(engine) as db:
        facts = _device_facts(queries.device(db, device_id))
        twin = twins.twin(db, device_id)
        odd = findings(db, device_id)
    facts["desired"] = (
        twin.desired.model_dump(mode="json", exclude_none=True) if twin.desired else {}
    )
    reported = twin.reported.model_dump(mode="json", exclude_none=True) if twin.reported else {}
    facts |= {"reported": reported, "reported_at": _iso(twin.reported_at), "pending": twin.pending}
    facts["findings"] = [_finding_facts(one) for one in odd]
    if as_json:
        typer.echo(json.dumps(facts))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<14} {'-' if value in (None, '', {}, []) else value}")


@app.command()
def revoke(device_id: DeviceId) -> None:
    """Withdraw a device's credential for ever; it is disconnected within seconds."""
    with opened() as (engine, settings):
        with unit_of_work(engine) as db:
            service.revoke(db, SystemClock(), device_id=device_id)
            note_at_terminal(db, Action.DEVICE_REVOKE, On("device", device_id))
        tell_mosquitto(engine, settings, RandomIds())
    typer.echo(f"{device_id} is revoked")


@app.command()
def rotate(
    device_id: DeviceId,
    *,
    by_command: Annotated[
        bool, typer.Option("--by-command", help="The device makes it, keeps it and uses it.")
    ] = False,
    keep_old_hours: Annotated[
        int,
        typer.Option(min=0, max=720, help="How long the one before is good if the new is unused."),
    ] = 24,
    as_json: AsJson = False,
) -> None:
    """Give a device a fresh credential and print it; the one before ends when it is used.

    With --keep-old-hours 0 at once, and at Mosquitto always. With --by-command nothing is
    printed and nobody carries anything: the device is asked, at once or when it comes.
    """
    if by_command:
        with opened() as (engine, _), unit_of_work(engine) as db:
            command_id = ask_rotate(db, SystemClock(), RandomIds(), device_id=device_id)
            note_at_terminal(db, Action.DEVICE_ROTATE, On("device", device_id))
        facts = {"device_id": device_id, "command_id": command_id}
        typer.echo(json.dumps(facts) if as_json else f"{device_id} is asked ({command_id})")
        return
    with opened() as (engine, settings):
        with unit_of_work(engine) as db:
            overlap = timedelta(hours=keep_old_hours)
            credential = service.rotate(
                db, SystemClock(), RandomIds(), device_id=device_id, overlap=overlap
            )
            note_at_terminal(db, Action.DEVICE_ROTATE, On("device", device_id))
        tell_mosquitto(engine, settings, RandomIds())
    facts = {"device_id": device_id, "credential": credential}
    typer.echo(json.dumps(facts) if as_json else credential)


@app.command()
def desire(
    device_id: DeviceId,
    *,
    locale: Annotated[str | None, typer.Option(help="en, he or pl; - takes it back.")] = None,
    firmware: Annotated[str | None, typer.Option(help="Version; - takes it back.")] = None,
    idle_after: Annotated[
        int | None, typer.Option(help="Seconds without a touch until it clears; 0 takes it back.")
    ] = None,
) -> None:
    """Say how a device should be; it is told when it next reports."""
    change: Desired = {}
    if locale is not None:
        change["locale"] = None if locale == "-" else locale
    if firmware is not None:
        change["firmware"] = None if firmware == "-" else firmware
    if idle_after is not None:
        change["idle_after_s"] = idle_after or None
    with opened() as (engine, _), unit_of_work(engine) as db:
        version = twin_service.set_desired(db, device_id, **change)
        note_at_terminal(db, Action.DEVICE_DESIRE, On("device", device_id))
    typer.echo(f"{device_id} should be at version {version}")


def _print_facts(facts: dict[str, str | int], *, as_json: bool, shell: bool) -> None:
    if as_json:
        typer.echo(json.dumps({name.lower(): value for name, value in facts.items()}))
        return
    form: Callable[[str, str], str] = _shell_line if shell else _text_line
    for name, value in facts.items():
        typer.echo(form(name, str(value)))


def _shell_line(name: str, value: str) -> str:
    return f"{name}={shlex.quote(value)}"


def _text_line(name: str, value: str) -> str:
    return f"{name.lower():<13} {value}"


def _device_facts(device: ListedDevice) -> dict[str, object]:
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name,
        "location": device.location_id,
        "partition": device.partition,
        "enrolled_at": _iso(device.enrolled_at),
        "revoked_at": _iso(device.revoked_at),
        "last_seen_at": _iso(device.last_seen_at),
        "online": device.online and device.revoked_at is None,
        "since": _iso(device.since),
    }


def _finding_facts(row: DeviceFindingRow) -> dict[str, object]:
    return {
        "kind": row.kind,
        "count": row.count,
        "first_seen_at": _iso(from_us(row.first_seen_us)),
        "last_seen_at": _iso(from_us(row.last_seen_us)),
        "detail": row.detail,
        "open": is_open(row),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _when(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ") if moment else "never"
