"""The table of metrics in docs/operations.md is what the processes expose, no more and no less."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import create_engine

from cart.kernel.clock import SystemClock
from gateway.monitor import fleet
from gateway.monitor.exposition import DatabaseFigures, Readiness
from gateway.monitor.followed import BandFigures
from gateway.monitor.health import Health
from gateway.monitor.tally import State, Tally
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| `(carryover_\w+)`(?: by ([`\w, ]+?))? \|.*\|.*\|$", re.MULTILINE)


class Nothing:
    """A gateway that does nothing."""

    known = forged = sightings = resolved = dropped = refused = 0
    held = held_max = {"events": 0, "telemetry": 0}  # noqa: RUF012 - as the protocol has it
    connections = acknowledged = 0
    connected = False

    @property
    def figures(self) -> "Nothing":
        """Return what it has counted."""
        return self


def exposed(tmp_path: Path) -> dict[str, set[str]]:
    """Return the names that both processes expose, as PromQL has them, with their labels."""
    gateway, clock = CollectorRegistry(), SystemClock()
    engine = create_engine("sqlite://")
    Tally(gateway)
    gateway.register(State(Nothing()))
    gateway.register(BandFigures(Nothing()))
    gateway.register(Readiness(Health({})))
    gateway.register(DatabaseFigures(engine, clock, fleet.figures(clock)))
    settings = ApiSettings(data_dir=tmp_path, secret_key="x" * 32)
    api = create_app(settings, engine=engine, listen=False, mail=False).state.parts.metrics.registry
    found: dict[str, set[str]] = {}
    for registry in (gateway, api):
        for collector in registry._collector_to_names:  # noqa: SLF001 - the only list of them
            describe = getattr(collector, "describe", list)  # the process's own have none
            for family in describe():
                name = family.name + ("_total" if family.type == "counter" else "")
                labels = getattr(collector, "_labelnames", getattr(family, "_labelnames", ()))
                found[name] = set(labels)
    engine.dispose()
    return found


def test_the_documented_metrics_are_those_in_the_code(tmp_path: Path) -> None:
    """Names and labels: an alert that is written from the table finds what it asks for."""
    rows = ROW.findall(OPERATIONS.read_text(encoding="utf-8"))
    documented = {name: set(re.findall(r"\w+", labels)) for name, labels in rows}
    assert len(rows) == len(documented)
    assert documented == exposed(tmp_path)
    assert len(documented) > 20
