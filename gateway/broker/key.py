"""The secret by which server processes of this machine know each other at the broker."""

import os
from pathlib import Path

from cart.kernel.ids import Ids

FILE_NAME = "broker.key"
CONTROL_FILE = "control.key"  # of who keeps the rules at a broker, and is not the server


def broker_key(data_dir: Path, ids: Ids, file_name: str = FILE_NAME) -> str:
    """Return the secret in ``DATA_DIR/broker.key``, making the file (mode 0600) if it is missing.

    Processes that start at the same moment get the same one: the file appears
    whole or not at all, and the first stays.
    """
    path = data_dir / file_name
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(ids.token() + "\n")
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass  # another process was first; its secret is the one
        finally:
            fresh.unlink()
    return path.read_text(encoding="ascii").strip()
