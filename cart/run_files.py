"""Where a running process says how to reach it: ``DATA_DIR/run/<process>.json``.

Command lines and sibling processes read it; nothing secret is in it.
"""

import json
import os
from pathlib import Path


def announce(data_dir: Path, process: str, **facts: str | int) -> Path:
    """Write the facts (addresses, pid) of a running process, whole or not at all."""
    folder = data_dir / "run"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{process}.json"
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(json.dumps({"pid": os.getpid(), **facts}) + "\n", encoding="utf-8")
    fresh.replace(path)
    return path


def announced(data_dir: Path, process: str) -> dict[str, str | int]:
    """Return what ``process`` announced, empty when it never did."""
    try:
        text = (data_dir / "run" / f"{process}.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    facts: dict[str, str | int] = json.loads(text)
    return facts
