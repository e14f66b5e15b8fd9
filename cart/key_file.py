"""A secret that a machine makes for itself once, and all of its processes have: a file of one."""

import os
from pathlib import Path


def kept_in(path: Path, fresh: str) -> str:
    """Return the secret in the file ``path``; if there is none, ``fresh`` becomes it (mode 0600).

    Processes that start at the same moment get the same one: the file appears
    whole or not at all, and the first stays.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(fresh + "\n")
        try:
            os.link(beside, path)
        except FileExistsError:
            pass  # another process was first; its secret is the one
        finally:
            beside.unlink()
    return path.read_text(encoding="ascii").strip()
