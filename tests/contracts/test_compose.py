"""The compose file names settings, commands and files that there are."""

import re
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from gateway.cli import app
from mobile_api.settings import ApiSettings

FOLDER = Path(__file__).parents[2] / "docs" / "compose"
OURS = re.compile(r"^(gateway|api)-\d$|^(files|tools)$")
# Read by uvicorn itself: whose word on a phone's address is taken.
FOREIGN = {"FORWARDED_ALLOW_IPS"}


def _services() -> dict[str, dict[str, Any]]:
    found = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))
    return {str(name): service for name, service in found["services"].items()}


def test_every_setting_is_one_of_ours() -> None:
    """A setting that was renamed would be passed over in silence."""
    known = {name.upper() for name in ApiSettings.model_fields} | FOREIGN
    for name, service in _services().items():
        if OURS.match(name):
            assert set(service["environment"]) <= known, name
            assert "DATABASE_URL" in service["environment"]


def test_gateways_and_apis_each_have_a_name_of_their_own() -> None:
    """Two of one name would finish each other's mails, or look like one."""
    services = _services()
    gateways = {
        one["environment"]["GATEWAY_NAME"] for n, one in services.items() if "gateway-" in n
    }
    apis = {one["environment"]["API_NAME"] for n, one in services.items() if "api-" in n}
    assert gateways == {"gateway-1", "gateway-2"}
    assert apis == {"api-1", "api-2"}
    for one in ("gateway-1", "gateway-2"):
        assert services[one]["environment"]["GATEWAY_SHARED"] == "true"


def test_the_broker_is_made_by_a_command_that_there_is() -> None:
    """Its options are those of ``gateway broker-files``."""
    program, command, *options = _services()["files"]["command"]
    assert (program, command) == ("gateway", "broker-files")
    said = CliRunner().invoke(app, ["broker-files", "--help"], env={"COLUMNS": "200"}).output
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert [one for one in options if one.startswith("--") and one not in plain] == []


def test_the_image_holds_every_package() -> None:
    """A package that is not copied is missed when the container starts."""
    image = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    root = FOLDER.parents[1]
    packages = {path.parent.name for path in root.glob("*/__init__.py")} - {"tests"}
    assert {name for name in packages if f"COPY {name} " not in image} == set()


def test_who_is_to_signal_the_broker_sees_its_process() -> None:
    """A tablet enrols at an API, which tells Mosquitto of it; ``files`` runs before there is one.

    Each pid file names a process of the broker's own container, and is in a volume that both have.
    """
    services = _services()
    broker = set(services["broker"]["volumes"])
    told = {
        name for name, one in services.items() if "MOSQUITTO_PID_FILE" in one.get("environment", {})
    }
    assert told == {"files", "gateway-1", "gateway-2", "api-1", "api-2", "tools"}
    assert {name: services[name].get("pid") for name in told - {"files"}} == dict.fromkeys(
        told - {"files"}, "service:broker"
    )
    for name in told:
        assert broker <= set(services[name]["volumes"]), name


def test_only_what_the_world_needs_is_published() -> None:
    """Devices reach the broker, phones the proxy; nothing else is open."""
    published = {name: one["ports"] for name, one in _services().items() if "ports" in one}
    assert published == {"broker": ["1883:1883"], "proxy": ["80:80", "443:443"]}
