"""The first page: how much comes in, how fast it is stored, what waits, what needs a hand."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cart.kernel.clock import from_us, to_us
from gateway.dead_letters import service as dead_letters
from gateway.monitor.fleet import by_status
from gateway.monitor.pulse import Beat, pulses, together
from gateway.monitor.tables import GatewayPulseRow
from mobile_api.edge.lane import WAITING_MAX
from mobile_api.metrics import backlog, orders
from mobile_api.operator.charts import Chart, chart
from mobile_api.operator.looking import Moment, OperatorLooking
from mobile_api.operator.partitions import QUIET_S, Partitions, partitions

SPAN: Final = timedelta(minutes=15)
STEP_S: Final = 10  # two beats of a gateway: no hole between them
STEP_US: Final = STEP_S * 1_000_000
NOTHING: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure with the way to what it counts; ``bad``: somebody has to look."""

    label: str
    value: str
    href: str
    note: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart with its name, the present figure, and in words what it shows."""

    title: str
    now: str
    said: str
    top: str
    lines: tuple[Chart, ...]
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits somewhere; ``share``: of what may, 0 to 100, None where there is no limit."""

    label: str
    waiting: str
    share: int | None = None
    bad: bool = False


@dataclass(frozen=True, slots=True)
class GatewayShown:
    """One gateway process and when it was last heard."""

    name: str
    well: bool
    state: str
    beat: Moment | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole page."""

    tiles: tuple[Tile, ...]
    panels: tuple[Panel, ...]
    queues: tuple[Queue, ...]
    gateways: tuple[GatewayShown, ...]
    partitions: Partitions | None


def overview(look: OperatorLooking, _key: str = "") -> Overview:
    """Return what the page shows now."""
    rows = pulses(look.db, to_us(look.now - SPAN))
    beats = together(rows, step_us=STEP_US)
    newest = {row.gateway: row for row in rows}
    heard = {name: look.now - from_us(row.at_us) for name, row in newest.items()}
    shares = partitions(look, heard)
    return Overview(
        _tiles(look, beats, shares),
        _panels(look, beats),
        _queues(look, newest),
        tuple(_gateway(look, row) for _, row in sorted(newest.items())),
        shares,
    )


def _last(look: OperatorLooking, beats: dict[int, Beat]) -> Beat | None:
    now = to_us(look.now) // STEP_US
    recent = range(now - 1, now - 1 - QUIET_S // STEP_S, -1)
    return next((beats[one] for one in recent if one in beats), None)


def _tiles(
    look: OperatorLooking, beats: dict[int, Beat], shares: Partitions | None
) -> tuple[Tile, ...]:
    _, number, last = look.spoken.gettext, look.spoken.number, _last(look, beats)
    devices = by_status(look.db)
    online, offline = int(devices[("online",)]), int(devices[("offline",)])
    waiting = dead_letters.counted(look.db)
    return (
        Tile(
            _("Events per second"),
            number(round(last.stored_per_s, 1)) if last else NOTHING,
            "#stored",
        ),
        Tile(
            _("Commit, mean"),
            _("%(count)s ms") % {"count": number(round(last.commit_ms, 1))} if last else NOTHING,
            "#commit",
        ),
        Tile(
            _("Devices online"), number(online), "/operator/devices?status=online",
            _("%(count)s offline") % {"count": number(offline)}, bad=offline > online,
        ),
        Tile(
            _("Dead letters"), number(waiting), "/operator/letters",
            _("wait for somebody") if waiting else _("nothing waits"), bad=waiting > 0,
        ),
        Tile(_("Open phones"), number(look.parts.hub.open_phones), "#queues", _("on this server")),
        *(() if shares is None else (_held(look, shares),)),
    )  # fmt: skip


def _held(look: OperatorLooking, shares: Partitions) -> Tile:
    _, number = look.spoken.gettext, look.spoken.number
    return Tile(
        _("Partitions worked for"),
        # In Hebrew, too, the part stands before the whole.
        f"\N{LEFT-TO-RIGHT ISOLATE}{number(shares.held)} / {number(shares.all)}"
        "\N{POP DIRECTIONAL ISOLATE}",
        "#partitions",
        shares.trouble or _("all of them"),
        bad=bool(shares.trouble),
    )


def _panels(look: OperatorLooking, beats: dict[int, Beat]) -> tuple[Panel, ...]:
    _, number, last = look.spoken.gettext, look.spoken.number, _last(look, beats)
    now = to_us(look.now) // STEP_US
    line = [beats.get(one) for one in range(now - int(SPAN.total_seconds()) // STEP_S, now)]
    stored = chart([one.stored_per_s if one else None for one in line])
    slowest = chart([one.commit_ms_max if one else None for one in line])
    mean = chart([one.commit_ms if one else None for one in line], top=slowest.top)
    both = [one.held for one in line if one] + [one.telemetry_held for one in line if one]
    top = chart([*both]).top
    held = chart([one.held if one else None for one in line], top=top)
    telemetry = chart([one.telemetry_held if one else None for one in line], top=top)

    def panel(
        title: str, now_words: str, lines: tuple[Chart, ...], *legend: str, unit: str = "%(count)s"
    ) -> Panel:
        top = unit % {"count": number(lines[0].top)}
        said = _("%(title)s in the last 15 minutes: now %(now)s, scale up to %(top)s.")
        words = said % {"title": title, "now": now_words, "top": top}
        return Panel(title, now_words, words, top, lines, legend)

    ms = _("%(count)s ms")
    return (
        panel(
            _("Events stored per second"),
            number(round(last.stored_per_s, 1)) if last else NOTHING, (stored,),
        ),
        panel(
            _("Time to commit"),
            ms % {"count": number(round(last.commit_ms_max, 1))} if last else NOTHING,
            (slowest, mean), _("slowest"), _("mean"), unit=ms,
        ),
        panel(
            _("Messages taken, not yet stored"), number(last.held) if last else NOTHING,
            (held, telemetry), _("what people do"), _("telemetry"),
        ),
    )  # fmt: skip


def _queues(look: OperatorLooking, newest: dict[str, GatewayPulseRow]) -> tuple[Queue, ...]:
    _, number = look.spoken.gettext, look.spoken.number
    kinds = {
        "list_mail": _("Lists to be mailed"),
        "order_mail": _("Letters about orders"),
        "refund": _("Refunds due"),
        "refund_failed": _("Refunds that failed"),
    }
    states = {
        "placed": _("Orders to be picked"),
        "picking": _("Orders being picked"),
        "ready": _("Orders at the desk"),
    }
    gateways = []
    for name, row in sorted(newest.items()):
        label = _("Messages at %(name)s") % {"name": name}
        aside = _("Telemetry at %(name)s") % {"name": name}
        gateways += [
            _limited(look, label, row.held, row.held_max),
            _limited(look, aside, row.telemetry_held, row.telemetry_held_max),
        ]
    lines = _limited(look, _("Lines to be added"), look.parts.adding.waiting, WAITING_MAX)
    open_orders, work = orders(look.db), backlog(look.db)
    return (
        *gateways,
        lines,
        *(Queue(states[state[0]], number(count)) for state, count in open_orders.items()),
        *(
            Queue(kinds[kind[0]], number(count), bad=kind[0] == "refund_failed" and count > 0)
            for kind, count in work.items()
        ),
    )


def _limited(look: OperatorLooking, label: str, waiting: int, limit: int) -> Queue:
    number = look.spoken.number
    words = f"{number(waiting)} / {number(limit)}"
    share = min(100, round(100 * waiting / max(1, limit)))
    return Queue(label, words, share, bad=share > 50)  # noqa: PLR2004 - as docs/operations.md says


def _gateway(look: OperatorLooking, row: GatewayPulseRow) -> GatewayShown:
    _ = look.spoken.gettext
    beat = look.moment_us(row.at_us)
    quiet = beat is None or beat.age > timedelta(seconds=QUIET_S)
    state = _("not heard") if quiet else _("connected") if row.connected else _("no broker")
    return GatewayShown(row.gateway, row.connected and not quiet, state, beat)
