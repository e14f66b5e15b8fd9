"""The compose file names settings, commands and files that there are."""

import re
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from gateway.cli import app as gateway_app
from inventory_api.cli import app as inventory_app
from mobile_api.cli import app as api_app
from mobile_api.settings import ApiSettings

FOLDER = Path(__file__).parents[2] / "docs" / "compose"
OURS = re.compile(r"^(gateway|api)-\d$|^(files|tools|backup)$")
PROGRAMS = {"gateway": gateway_app, "mobile_api": api_app, "inventory_api": inventory_app}
RUN = re.compile(r"docker compose [^\n`]*?run --rm (\w+) (\w+) ([\w-]+)")
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
    said = (
        CliRunner().invoke(gateway_app, ["broker-files", "--help"], env={"COLUMNS": "200"}).output
    )
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert [one for one in options if one.startswith("--") and one not in plain] == []


def test_what_is_run_in_a_container_by_the_documents_is_there() -> None:
    """Service, program and command of each line that somebody is told to type."""
    texts = [FOLDER / "compose.yaml", *FOLDER.parent.glob("*.md")]
    asked = {found for one in texts for found in RUN.findall(one.read_text(encoding="utf-8"))}
    assert {("backup", "gateway", "backup"), ("backup", "gateway", "restore")} <= asked
    assert len(asked) > 3
    for service, program, command in asked:
        assert service in _services(), service
        help_ = CliRunner().invoke(PROGRAMS[program], [command, "--help"])
        assert help_.exit_code == 0, (program, command)


def test_a_backup_finds_what_it_needs() -> None:
    """The client of the very PostgreSQL that runs, the keys, a folder of the machine, its user's.

    It waits for the database alone: what makes the schema would be in a restore's way.
    """
    services, image = _services(), (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    backup = services["backup"]
    (major,) = re.findall(r"^ARG POSTGRES_MAJOR=(\d+)$", image, re.MULTILINE)
    assert services["postgresql"]["image"] == f"postgres:{major}"
    assert '"postgresql-client-${POSTGRES_MAJOR}"' in image.split("\nFROM ")[-1]
    assert set(backup["depends_on"]) == {"postgresql"}
    assert "pid" not in backup
    assert backup["volumes"] == ["keys:/data", "${BACKUP_DIR:-./backup}:/backup"]
    assert "keys:/data" in services["api-1"]["volumes"]
    assert re.search(r"--owner mosquitto .*/backup\b", image)
    assert backup["environment"]["DATABASE_URL"] == services["api-1"]["environment"]["DATABASE_URL"]


def test_the_image_has_the_packages_of_the_lock() -> None:
    """Each by its hash, by the uv that the Makefile has; nothing is resolved anew."""
    image = (FOLDER / "Dockerfile").read_text(encoding="utf-8")
    steps = [line for line in image.splitlines() if "uv sync" in line]
    wanted = "--locked --no-dev --extra server --extra tracing"
    assert len(steps) == 2
    assert all(wanted in one for one in steps), steps
    assert "--no-editable" in steps[-1]
    assert "pip install" not in image
    assert re.search(r"^COPY .*\buv\.lock\b", image, re.MULTILINE)
    makefile = (FOLDER.parents[1] / "Makefile").read_text(encoding="utf-8")
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", makefile, re.MULTILINE)
    assert f"astral-sh/uv:{version} " in image


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
