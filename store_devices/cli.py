"""``store_devices``: the command line of what runs in the shop."""

import asyncio
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cart.kernel.clock import SystemClock
from cart.kernel.errors import CarryoverError
from cart.kernel.ids import RandomIds

if TYPE_CHECKING:
    from store_devices.tablet.run import Tablet

app = typer.Typer(help="What runs in the shop.", no_args_is_help=True)
tablet = typer.Typer(help="The tablet that a shopper borrows.", no_args_is_help=True)
app.add_typer(tablet, name="tablet")
receiver = typer.Typer(help="The box that hears wristbands.", no_args_is_help=True)
app.add_typer(receiver, name="receiver")
mirror = typer.Typer(help="The mirror with a camera.", no_args_is_help=True)
app.add_typer(mirror, name="mirror")


@app.callback()
def main() -> None:
    """What runs in the shop."""


@tablet.command()
def enrol(
    api: Annotated[str, typer.Option(help="address of the API, e.g. http://127.0.0.1:8300")],
    token: Annotated[str, typer.Option(help="the one-time token of `gateway devices enrol`")],
) -> None:
    """Trade a one-time token for this device's identity, kept in DEVICE_DIR."""
    from store_devices.tablet.settings import TabletSettings  # noqa: PLC0415 - as below

    _enrol(api, token, TabletSettings().device_dir)


@tablet.command()
def certify() -> None:
    """Get a certificate of its own for a tablet that was enrolled without one."""
    from store_devices.tablet.settings import TabletSettings  # noqa: PLC0415 - as below

    _certify(TabletSettings().device_dir, "tablet")


@tablet.command()
def run(
    camera: Annotated[
        str, typer.Option(help="index of a camera, a picture or film file, or `none`")
    ] = "0",
    hid: Annotated[
        str, typer.Option(help="device that a hand scanner types on, `-` for standard input")
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="port of the kiosk page, over KIOSK_PORT")
    ] = None,
) -> None:
    """Run the tablet: camera, scanner, spool, uplink and the kiosk page, until Ctrl-C."""
    from store_devices import identity  # noqa: PLC0415
    from store_devices.camera import open_camera  # noqa: PLC0415 - as above
    from store_devices.scanner import WedgeScanner  # noqa: PLC0415
    from store_devices.tablet.run import Hardware, Tablet  # noqa: PLC0415
    from store_devices.tablet.settings import TabletSettings  # noqa: PLC0415

    _log()
    settings = TabletSettings()
    if port is not None:
        settings = settings.model_copy(update={"kiosk_port": port})
    try:
        stream = None if not hid else sys.stdin if hid == "-" else Path(hid).open()  # noqa: SIM115 - open as long as the process
        hardware = Hardware(
            open_camera=None if camera == "none" else partial(open_camera, camera),
            scanner=None if stream is None else WedgeScanner(stream),
        )
        running = Tablet(
            settings,
            identity.load(settings.device_dir),
            hardware=hardware,
            clock=SystemClock(),
            ids=RandomIds(),
        )
    except (CarryoverError, OSError) as error:
        _give_up(error)
    _run(running)


@receiver.command("enrol")
def enrol_receiver(
    api: Annotated[str, typer.Option(help="address of the API, e.g. http://127.0.0.1:8300")],
    token: Annotated[str, typer.Option(help="the one-time token of `gateway devices enrol`")],
) -> None:
    """Trade a one-time token for this device's identity, kept in DEVICE_DIR."""
    from store_devices.ble.settings import ReceiverSettings  # noqa: PLC0415 - as above

    _enrol(api, token, ReceiverSettings().device_dir)


@receiver.command("certify")
def certify_receiver() -> None:
    """Get a certificate of its own for a receiver that was enrolled without one."""
    from store_devices.ble.settings import ReceiverSettings  # noqa: PLC0415 - as above

    _certify(ReceiverSettings().device_dir, "receiver")


@receiver.command("run")
def run_receiver() -> None:
    """Run the receiver: radio, spool and uplink, until Ctrl-C."""
    from store_devices import identity  # noqa: PLC0415 - as above
    from store_devices.ble.radio import BleakRadio  # noqa: PLC0415
    from store_devices.ble.receiver import Receiver  # noqa: PLC0415
    from store_devices.ble.settings import ReceiverSettings  # noqa: PLC0415

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = ReceiverSettings()
    radio = BleakRadio(
        company=settings.band_company,
        scanning=settings.bluetooth_scanning,
        adapter=settings.bluetooth_adapter,
    )
    try:
        enrolled = identity.load(settings.device_dir, "receiver")
        running = Receiver(settings, enrolled, radio, clock=SystemClock(), ids=RandomIds())
    except (CarryoverError, OSError) as error:
        _give_up(error)
    typer.echo(f"ready {enrolled.device_id}")
    asyncio.run(_until_ended(running.run()))


@mirror.command("enrol")
def enrol_mirror(
    api: Annotated[str, typer.Option(help="address of the API, e.g. http://127.0.0.1:8300")],
    token: Annotated[str, typer.Option(help="the one-time token of `gateway devices enrol`")],
) -> None:
    """Trade a one-time token for this device's identity, kept in DEVICE_DIR."""
    from store_devices.mirror.settings import MirrorSettings  # noqa: PLC0415 - as above

    _enrol(api, token, MirrorSettings().device_dir)


@mirror.command("certify")
def certify_mirror() -> None:
    """Get a certificate of its own for a mirror that was enrolled without one."""
    from store_devices.mirror.settings import MirrorSettings  # noqa: PLC0415 - as above

    _certify(MirrorSettings().device_dir, "mirror")


@mirror.command("run")
def run_mirror(
    camera: Annotated[str, typer.Option(help="index of a camera, or a film file")] = "0",
    port: Annotated[
        int | None, typer.Option(help="port of the kiosk page, over KIOSK_PORT")
    ] = None,
) -> None:
    """Run the mirror: camera, spool, uplink, uploads and the kiosk page, until Ctrl-C."""
    # Before numpy is loaded: its own threads fight for the cores that the camera needs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from store_devices import identity  # noqa: PLC0415 - as above
    from store_devices.camera import name_of, open_camera  # noqa: PLC0415
    from store_devices.light import FileLight  # noqa: PLC0415
    from store_devices.mirror.run import Mirror, MirrorHardware  # noqa: PLC0415
    from store_devices.mirror.settings import MirrorSettings  # noqa: PLC0415
    from store_devices.tags.watching import opener  # noqa: PLC0415

    _log()
    settings = MirrorSettings()
    if port is not None:
        settings = settings.model_copy(update={"kiosk_port": port})
    light, tags = settings.mirror_light, settings.mirror_tags
    try:
        hardware = MirrorHardware(
            open_camera=partial(open_camera, camera),
            light=FileLight(light) if light else None,
            open_tags=opener(tags) if tags else None,
            camera_name=name_of(camera),
        )
        running = Mirror(
            settings,
            identity.load(settings.device_dir, "mirror"),
            hardware=hardware,
            clock=SystemClock(),
            ids=RandomIds(),
        )
    except (CarryoverError, OSError) as error:
        _give_up(error)
    _run(running)


@mirror.command("calibrate")
def calibrate_mirror(
    camera: Annotated[str, typer.Option(help="index of a camera, or a film file")] = "0",
    sheet: Annotated[
        Path | None,
        typer.Option(help="write the board to print (SVG, A3) there, and end"),
    ] = None,
) -> None:
    """Find lens and tilt of the mirror's camera with a printed board; end the mirror before."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as above
    from store_devices.camera import name_of, open_camera  # noqa: PLC0415 - as above
    from store_devices.mirror import board, calibrate  # noqa: PLC0415
    from store_devices.mirror.settings import MirrorSettings  # noqa: PLC0415

    settings = MirrorSettings()
    try:
        if sheet is not None:
            sheet.write_text(board.sheet(), encoding="utf-8")
            typer.echo(f"print {sheet} at its true size, and glue it on something flat")
            return
        found = calibrate.calibrated(
            open_camera(camera), typer.echo, name=name_of(camera), turned=settings.mirror_turned
        )
        path = settings.mirror_calibration or settings.device_dir / calibrate.FILE
        calibrate.keep(path, found)
    except (CarryoverError, OSError) as error:
        _give_up(error)
    tilt = math.degrees(found.tilt_rad)
    typer.echo(f"{found.error_px:.2f} px off, tilted by {tilt:.1f} degrees; kept in {path}")
    if settings.mirror_calibration is None:
        typer.echo(f"start the mirror with MIRROR_CALIBRATION={path}")


def _log() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # a line per picture is too much


def _run(running: "Tablet") -> None:
    """Run until Ctrl-C or SIGTERM."""
    ended = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ended.set())
    running.start()
    typer.echo(f"ready {running.url}")
    ended.wait()
    running.stop()


async def _until_ended(work: Coroutine[None, None, None]) -> None:
    """Run ``work`` until Ctrl-C or SIGTERM; then cancel it and let it end in order."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def _enrol(api: str, token: str, folder: Path) -> None:
    from gateway.wire.certificate import fresh_key, request_pem  # noqa: PLC0415 - as below
    from store_devices import identity  # noqa: PLC0415 - help must not load an HTTP client
    from store_devices.certifying import forget, keep_certificate  # noqa: PLC0415
    from store_devices.enrolling import enrol as traded  # noqa: PLC0415

    try:
        key = fresh_key()
        enrolled = traded(api, token, identity.firmware(), csr=request_pem(key))
        path = identity.keep(folder, enrolled)
        forget(folder)  # another device's
        if enrolled.certificate:
            keep_certificate(folder, key, enrolled.certificate)
    except (CarryoverError, OSError) as error:
        _give_up(error)
    typer.echo(f"enrolled as {enrolled.device_id} at {enrolled.location_id}; kept in {path}")


def _certify(folder: Path, kind: str) -> None:
    from store_devices import identity  # noqa: PLC0415 - help must not load an HTTP client
    from store_devices.certifying import Renewal  # noqa: PLC0415

    try:
        fresh = Renewal(folder, identity.load(folder, kind), SystemClock()).first()
    except (CarryoverError, OSError) as error:
        _give_up(error)
    typer.echo("it has a certificate now; start it again" if fresh else "it has one already")


def _give_up(error: Exception) -> NoReturn:
    typer.echo(f"error: {error}", err=True)
    raise typer.Exit(1)
