"""The secret by which server processes of this machine know each other at the broker."""

from pathlib import Path

from cart.kernel.ids import Ids
from cart.key_file import kept_in

FILE_NAME = "broker.key"
CONTROL_FILE = "control.key"  # of who keeps the rules at a broker, and is not the server


def broker_key(data_dir: Path, ids: Ids, file_name: str = FILE_NAME) -> str:
    """Return the secret in ``DATA_DIR/broker.key``, making the file (mode 0600) if it is missing.

    Processes that start at the same moment get the same one.
    """
    return kept_in(data_dir / file_name, ids.token())
