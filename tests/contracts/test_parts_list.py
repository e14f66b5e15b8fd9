"""The list of what the package is built of (CycloneDX, ``make package``) leaves nothing out."""

import json
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = "carryover"
SHA256_LENGTH: Final = 64  # hex


def locked() -> dict[str, set[str]]:
    """Return names and versions of all that the lock file has the package run on, extras too."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in lock["package"]:
        by_name.setdefault(one["name"], []).append(one)
    (project,) = by_name[PROJECT]
    todo = [*project["dependencies"], *_all(project["optional-dependencies"])]
    seen: set[tuple[str, str]] = set()
    while todo:
        wanted = todo.pop()
        for extra in ("", *wanted.get("extra", ())):
            if (wanted["name"], extra) in seen:
                continue
            seen.add((wanted["name"], extra))
            for one in by_name[wanted["name"]]:
                more = one.get("optional-dependencies", {}).get(extra, ())
                todo += more if extra else one.get("dependencies", ())
    names = {name for name, _ in seen} - {PROJECT}
    return {name: {one["version"] for one in by_name[name]} for name in names}


def _all(by_extra: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [one for several in by_extra.values() for one in several]


def command() -> list[str]:
    """Return the command of ``make package`` that writes the list, to standard output."""
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = [one for one in recipe.splitlines() if "cyclonedx" in one and "export" in one]
    words = line.split()
    uv = shutil.which("uv") or str(ROOT / "var" / "tools" / "bin" / "uv")
    said = words[words.index("export") : words.index("--output-file")]
    return [uv, *said, "--offline"]


def test_the_list_has_every_locked_package_and_its_hash() -> None:
    """Direct or not, of every extra, with version and SHA-256; and nothing else."""
    done = subprocess.run(
        command(), cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    listed: dict[str, set[str]] = {}
    for one in json.loads(done.stdout)["components"]:
        listed.setdefault(one["name"], set()).add(one["version"])
        files = one["externalReferences"]
        assert all(
            len(part["content"]) == SHA256_LENGTH for file in files for part in file["hashes"]
        )
        assert one["purl"].startswith("pkg:pypi/"), "from one index"
    wanted = locked()
    assert len(wanted) > 50
    assert listed.keys() == wanted.keys()
    assert {name for name in listed if not listed[name] <= wanted[name]} == set()
