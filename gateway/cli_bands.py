"""``gateway bands …``: make wristbands, look at them, end them.

Prints; decides nothing. Every refusal is one sentence on stderr and exit code 1. A gateway
that runs hears of a change at its next look at the database, within seconds.
"""

import json
from datetime import datetime
from typing import Annotated, Final

import typer

import cart.referred  # noqa: F401 - tables that these commands' rows refer to
from cart.audit.model import Action, On
from cart.audit.terminal import note_at_terminal
from cart.db import reading, unit_of_work
from cart.kernel.clock import SystemClock
from cart.kernel.ids import RandomIds, drawn
from gateway.bands import queries, service
from gateway.bands.model import ListedBand, State
from gateway.bands.sealing import Sealing
from gateway.binding.tapping import leave
from gateway.cli_database import opened
from gateway.registry.locations import require_location
from gateway.wire.band import SECRET_BYTES

COUNT_MAX: Final = 2_000  # in one transaction, so bounded

app = typer.Typer(no_args_is_help=True, help="Make wristbands, look at them, end them.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Number = Annotated[int, typer.Argument(help="The number that is engraved in the band.", min=1)]


@app.command()
def make(
    *,
    location: Annotated[str, typer.Option(help="Whose drawer they lie in, e.g. harbour-street.")],
    count: Annotated[int, typer.Option(min=1, max=COUNT_MAX, help="That many bands.")] = 1,
    firmware: Annotated[str, typer.Option(help="Version of what runs in them.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print number and secret of fresh bands, this once, for whoever programs them.

    A band's own clock counts seconds since 1970, as the programming station's does.
    """
    clock, ids = SystemClock(), RandomIds()
    with opened() as (engine, settings):
        sealing = Sealing(settings.key())
        secrets = [drawn(ids)[:SECRET_BYTES] for _ in range(count)]
        with unit_of_work(engine) as db:
            require_location(db, location)
            numbers = [
                service.make(
                    db,
                    clock,
                    ids,
                    sealing,
                    location_id=location,
                    secret=secret,
                    clock_s=clock.now().timestamp(),
                    firmware=firmware,
                )
                for secret in secrets
            ]
            note_at_terminal(db, Action.BAND_MAKE, *[On("band", str(one)) for one in numbers])
    for number, secret in zip(numbers, secrets, strict=True):
        told = {"number": number, "secret": secret.hex()}
        typer.echo(json.dumps(told) if as_json else f"{number:>6}  {secret.hex()}")


@app.command("list")
def list_bands(
    *,
    location: Annotated[str | None, typer.Option(help="Only those of this location.")] = None,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print every band with where it is and how it does; never who has it."""
    states = list(State) if state is None else [state]
    with opened() as (engine, _), reading(engine) as db:
        found = queries.listed(db, location_id=location, states=states)
    if as_json:
        typer.echo(json.dumps([_facts(one) for one in found]))
        return
    for one in found:
        battery = "-" if one.battery_percent is None else f"{one.battery_percent} %"
        heard = one.heard_at.strftime("%Y-%m-%d %H:%M:%SZ") if one.heard_at else "never"
        typer.echo(
            f"{one.number:>6}  {one.state.value:<8} {one.location_id:<20} {battery:<6} {heard:<20}"
            f" {one.firmware}".rstrip()
        )


@app.command()
def lost(number: Number) -> None:
    """Note that a band is gone: its frames are nobody's from now on, what it opened ends."""
    clock = SystemClock()
    with opened() as (engine, _), unit_of_work(engine) as db:
        if (holder := queries.holder_of(db, number)) is not None:
            leave(db, clock, RandomIds(), loan_id=holder.loan_id)
        service.lose(db, clock, number)
        note_at_terminal(db, Action.BAND_LOST, On("band", str(number)))
    typer.echo(f"band {number} is lost")


@app.command()
def retire(number: Number) -> None:
    """Take a band out of use for ever; one that somebody has is taken back first."""
    with opened() as (engine, _), unit_of_work(engine) as db:
        service.retire(db, number)
        note_at_terminal(db, Action.BAND_RETIRE, On("band", str(number)))
    typer.echo(f"band {number} is retired")


@app.command()
def trust(number: Number) -> None:
    """Let a band that was doubted, because two answered to its number, be hers again."""
    with opened() as (engine, _), unit_of_work(engine) as db:
        service.trust(db, number)
        note_at_terminal(db, Action.BAND_TRUST, On("band", str(number)))
    typer.echo(f"band {number} is trusted again")


def _facts(band: ListedBand) -> dict[str, object]:
    return {
        "number": band.number,
        "state": band.state.value,
        "location": band.location_id,
        "battery_percent": band.battery_percent,
        "firmware": band.firmware,
        "made_at": _iso(band.made_at),
        "heard_at": _iso(band.heard_at),
        "handed_out_at": _iso(band.handed_out_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
