"""``python -m migrations "what changes"``: writes the revision that brings tables up to the code.

It compares the tables in the code with a database made by the revisions there
are. Read what it wrote before committing: it sees columns, not meanings.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

from cart.db import make_engine
from cart.db.migrate import configuration, connected, upgrade

VERSIONS = Path(__file__).parent / "versions"
REMARK = "    # ###"  # Alembic's own remarks around what it wrote


def main() -> None:
    """Write the next revision."""
    parser = argparse.ArgumentParser(prog="python -m migrations", description=__doc__)
    parser.add_argument("message", help="what changes, in a few words")
    message = parser.parse_args().message
    number = max((int(path.name[:4]) for path in VERSIONS.glob("[0-9]*_*.py")), default=0) + 1
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/now.db")
        upgrade(engine)
        config = configuration()
        with connected(engine) as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()
    for written in VERSIONS.glob(f"{number:04d}_*.py"):
        _tidy(written)


def _tidy(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(REMARK)))
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--quiet", str(path)], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
