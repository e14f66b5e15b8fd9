"""S3 on loopback, as a process: moto's server."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from tests.real.ports import free_port, wait_for_port

WAIT_S = 30.0  # it imports boto3; on a busy machine that takes a while


@contextmanager
def bucket(name: str = "looks") -> Iterator[str]:
    """Yield the address of an empty bucket, as OBJECTS_URL has it."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for_port(port, WAIT_S)
        endpoint = f"http://127.0.0.1:{port}"
        httpx2.put(f"{endpoint}/{name}").raise_for_status()  # moto asks for no signature
        yield f"s3://try:try@{name}/shop?region=us-east-1&endpoint={endpoint}"
    finally:
        process.terminate()
        process.wait(WAIT_S)
