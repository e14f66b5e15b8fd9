"""Opens what keeps objects, by its address."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cart.kernel.ids import Ids
from cart.objects.folder import FolderObjects
from cart.objects.model import Objects

FOLDER = "objects"


def open_objects(url: str, data_dir: Path, ids: Ids) -> Objects:
    """Return the bucket of an ``s3://`` address, or the folder in ``data_dir`` of an empty one."""
    if not url:
        return FolderObjects(data_dir / FOLDER, ids)
    from cart.objects.bucket import BucketObjects, store_of  # noqa: PLC0415 - only where it is used

    return BucketObjects(store_of(url))


def check_address(url: str) -> None:
    """Refuse an address that no objects can be kept at.

    Raises:
        ValueError: not empty and not ``s3://bucket…``, or with what we do not know.
    """
    if not url:
        return
    parts = urlsplit(url)
    unknown = set(dict(parse_qsl(parts.query))) - {"region", "endpoint"}
    if parts.scheme != "s3" or not parts.hostname or unknown:
        msg = "OBJECTS_URL must be s3://key:secret@bucket/prefix?region=…&endpoint=…"
        raise ValueError(msg)
