"""What an idle shop on SQLite does not carry: each is megabytes in every process that loads it.

Whoever needs one of these imports it where it is used; docs/benchmarks.md has what each takes.
"""

import subprocess
import sys
from pathlib import Path

# numpy guesses where bands are, psycopg drives PostgreSQL.
NOT_IN_GATEWAY = {"alembic", "cv2", "dbos", "fastapi", "numpy", "psycopg", "pyarrow", "stripe"}
# DBOS loads psycopg itself. What asks others is loaded with the first request to them.
NOT_IN_API = {"alembic", "cv2", "httpcore2", "httpx2", "numpy", "pyarrow", "stripe"}
NOT_IN_EITHER = {"PIL", "opentelemetry.sdk", "scipy"}

MIGRATED = "from gateway.cli import app; app(['migrate'])"
GATEWAY = """
import sys
import gateway.cli
from cart.logs import configure
from gateway.settings import MqttSettings
from gateway.wiring import Gateway

settings = MqttSettings()
configure(settings)
shop = Gateway(settings)
shop.start()
assert shop.wait_online(15)
shop.tell_broker()
shop.note_seen()
print(*sys.modules)
shop.stop()
"""
API = """
import asyncio, sys
import mobile_api.cli
import mobile_api.serving
from cart.logs import configure
from mobile_api.app import create_app
from mobile_api.settings import ApiSettings

settings = ApiSettings()
configure(settings)
app = create_app(settings)

async def live():
    async with app.router.lifespan_context(app):
        await asyncio.sleep(2)  # every round has been made once
        print(*sys.modules)

asyncio.run(live())
"""


def _loaded(folder: Path, code: str) -> set[str]:
    """Return what a process has loaded that runs ``code`` on a shop whose schema is ready."""
    environment = {"DATA_DIR": str(folder), "MQTT_PORT": "0", "MONITOR_PORT": "0"}
    for one in (MIGRATED, code):
        said = subprocess.run(
            [sys.executable, "-c", one],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert said.returncode == 0, said.stderr
    return set(said.stdout.split())


def test_an_idle_gateway_carries_nothing_for_what_it_does_not_do(tmp_path: Path) -> None:
    """Bands, and a database of a chain's, bring theirs when they are there."""
    loaded = _loaded(tmp_path, GATEWAY)
    assert "gateway.presence.settling" in loaded
    assert not loaded & (NOT_IN_GATEWAY | NOT_IN_EITHER)


def test_an_idle_api_carries_nothing_for_what_it_does_not_do(tmp_path: Path) -> None:
    """Photographs, cards and requests to others bring theirs with the first of them."""
    loaded = _loaded(tmp_path, API)
    assert "mobile_api.outgoing.posting" in loaded
    assert not loaded & (NOT_IN_API | NOT_IN_EITHER)
