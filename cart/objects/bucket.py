"""Objects in S3, or what speaks like it (MinIO, Ceph, R2), by obstore.

S3 shows an object once all of it is there; a larger one goes in parts, which S3 puts together.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from cart.kernel.errors import ObjectGone, Unavailable
from cart.objects.model import Listed, checked

if TYPE_CHECKING:
    from obstore.store import S3Config  # it is there for type checkers only

TIMEOUT: Final = timedelta(seconds=20)  # a look is some megabytes; a person waits for it
RETRIES_MAX: Final = 3
RETRIED_FOR: Final = timedelta(seconds=30)


class BucketObjects:
    """Keeps each object under its name in a bucket."""

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Keep an object; nobody sees it before it is whole."""
        # In memory, as one request: an upload in parts that dies leaves parts that cost money.
        whole = b"".join(pieces)
        with _told():
            obstore.put(self._store, checked(name), whole, use_multipart=False)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Return up to ``length`` bytes from ``offset`` on.

        Raises:
            ObjectGone: there is none of this name.
        """
        with _told():
            size = obstore.head(self._store, checked(name))["size"]
            length = min(length, size - offset)
            if length <= 0:
                return b""
            return bytes(obstore.get_range(self._store, name, start=offset, length=length))

    def listed(self, prefix: str) -> Iterator[Listed]:
        """Yield what is kept under ``prefix/``, by name."""
        with _told():
            for page in obstore.list(self._store, prefix=checked(prefix)):
                for one in page:
                    yield Listed(one["path"], one["size"], one["last_modified"])

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is deleted."""
        with _told():
            obstore.delete(self._store, checked(name))

    def tidy(self, before: datetime) -> int:  # noqa: ARG002 - the port's
        """Return 0: what was begun is in this process's memory only."""
        return 0


def store_of(url: str) -> S3Store:
    """Return the bucket of ``s3://key:secret@bucket/prefix?region=…&endpoint=…``.

    Without key and secret they come from the environment, as AWS's own tools take them.
    """
    parts = urlsplit(url)
    asked: Mapping[str, str] = dict(parse_qsl(parts.query))
    endpoint = asked.get("endpoint", "")
    config: S3Config = {"region": asked.get("region", "us-east-1")}
    if endpoint:
        config["endpoint"] = endpoint
    if parts.username:
        config["access_key_id"] = unquote(parts.username)
        config["secret_access_key"] = unquote(parts.password or "")
    return S3Store(
        parts.hostname or "",
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={"timeout": TIMEOUT, "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": RETRIES_MAX, "retry_timeout": RETRIED_FOR},
    )


@contextmanager
def _told() -> Iterator[None]:
    """Translate what S3 says."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        msg = "there is no such object"
        raise ObjectGone(msg) from error
    except BaseError as error:
        msg = f"the bucket of objects fails: {type(error).__name__}"
        raise Unavailable(msg) from error
