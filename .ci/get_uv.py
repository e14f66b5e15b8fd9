"""Fetches one pinned release of uv from the package index, with Python's standard library alone.

For a machine that has python3 and neither uv, pip nor curl. Works with Python
3.7 and later. Honours PIP_INDEX_URL (or UV_DEFAULT_INDEX), PIP_CERT,
SSL_CERT_FILE and the proxy variables.

    python3 .ci/get_uv.py VERSION FOLDER     puts the program at FOLDER/bin/uv
"""

import hashlib
import io
import os
import platform
import re
import ssl
import sys
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

INDEX = "https://pypi.org/simple"
TIMEOUT_S = 120
WHEEL_MAX_BYTES = 200_000_000  # ten times uv's wheel
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def wheel_pattern(version: str) -> str:
    """Return what the file name of this machine's wheel looks like."""
    machine = platform.machine().lower()
    if sys.platform == "darwin":
        system = "macosx_[0-9_]+_" + ("arm64" if machine == "arm64" else "x86_64")
    elif platform.libc_ver()[0] == "glibc":
        system = "manylinux[0-9a-z_.]+" + MACHINES.get(machine, machine)
    else:
        system = "musllinux[0-9a-z_.]+" + MACHINES.get(machine, machine)
    name = f"uv-{re.escape(version)}-py3-none-{system}"
    return rf'href="([^"]*/{name}\.whl)#sha256=([0-9a-f]{{64}})'


def fetch(url: str) -> bytes:
    """Return the bytes at ``url``, with the certificates that the environment names."""
    if not url.startswith(("https://", "http://", "file://")):
        msg = f"get_uv: {url} is not an address of a package index"
        raise SystemExit(msg)
    context = ssl.create_default_context()
    if os.environ.get("PIP_CERT"):
        context.load_verify_locations(os.environ["PIP_CERT"])
    request = urllib.request.Request(url, headers={"Accept": "text/html"})  # noqa: S310 - checked
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:  # noqa: S310
        content: bytes = answer.read(WHEEL_MAX_BYTES)
    return content


def main(version: str, folder: str) -> None:
    """Find the wheel, verify its hash, unpack the program."""
    environ = os.environ
    index = environ.get("UV_DEFAULT_INDEX") or environ.get("PIP_INDEX_URL") or INDEX
    page_url = index.rstrip("/") + "/uv/"
    page = fetch(page_url).decode()
    found = re.search(wheel_pattern(version), page)
    if found is None:
        msg = (
            f"get_uv: {page_url} has no uv {version} for {sys.platform} {platform.machine()};"
            " install uv by hand (https://docs.astral.sh/uv/) and run make again"
        )
        raise SystemExit(msg)
    wheel = fetch(urllib.parse.urljoin(page_url, found.group(1)))
    if hashlib.sha256(wheel).hexdigest() != found.group(2):
        msg = "get_uv: the file from the index has another hash than the index says"
        raise SystemExit(msg)
    program = Path(folder) / "bin" / "uv"
    program.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        program.write_bytes(archive.read(f"uv-{version}.data/scripts/uv"))
    program.chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
