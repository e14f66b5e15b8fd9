"""What the running demo has on show: the file that its simulator writes beside ours.

Owns the reading of ``DATA_DIR/run/demo.json``. No file, no demo: then these
pages show what tablets have announced themselves.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request

from mobile_api.settings import ApiSettings

FILE: Final = "demo.json"
VISIT_LENGTH: Final = 16  # of the name of a visit for the page, which must not be its secret
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost"})
OTHERS_MAX: Final = 8

Text = Annotated[str, Field(max_length=256)]


class OnShow(BaseModel):
    """The tablet on show; ``link``: the claim link while somebody holds it.

    ``staff``: number and PIN with which whoever watches may sign in at the desk. ``mirror``: the
    mirror's page, ``mirror_link`` the claim link while somebody stands before it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tablet: Text
    location: Text
    url: Text
    link: Text = ""
    others: Annotated[tuple[tuple[Text, Text], ...], Field(max_length=OTHERS_MAX)] = ()
    staff: tuple[Text, Text] = ("", "")
    mirror: Text = ""
    mirror_link: Text = ""
    pid: int

    @property
    def secret(self) -> str:
        """The secret of the claim link, empty without one."""
        return urlsplit(self.link).path.rpartition("/c/")[2]

    @property
    def mirror_secret(self) -> str:
        """The secret of the mirror's claim link, empty without one."""
        return urlsplit(self.mirror_link).path.rpartition("/c/")[2]

    @property
    def visit(self) -> str:
        """A name of the present visit that gives nothing away, empty without one."""
        secret = self.secret
        return hashlib.sha256(secret.encode()).hexdigest()[:VISIT_LENGTH] if secret else ""


def on_show(settings: ApiSettings) -> OnShow | None:
    """Return what is on show, None when no demo plays here."""
    if not settings.demo:
        return None
    path: Path = settings.data_dir / "run" / FILE
    try:
        found = OnShow.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
    pages = [found.url, *filter(None, [found.mirror])]
    return found if all(urlsplit(one).hostname in LOOPBACK for one in pages) else None


def leads_to_demo(request: Request, settings: ApiSettings) -> bool:
    """Say whether ``/`` was typed as the demo's address, and is not our own page's way to the cart.

    Browsers say so by Sec-Fetch-Site ``none``. What says nothing (curl) is
    taken for a newcomer unless it has a cookie of ours.
    """
    site = request.headers.get("sec-fetch-site")
    typed = site == "none" if site else not request.cookies
    framed = request.headers.get("sec-fetch-dest", "document") != "document"
    return typed and not framed and on_show(settings) is not None
