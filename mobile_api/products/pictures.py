"""Product pictures in the sizes that pages and mails ask for, made once and kept.

The feed's picture is in ``DATA_DIR/pictures`` under a name that never changes
its content; smaller copies are beside it. Must not touch the originals.
"""

import os
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import FileResponse

from cart.kernel.errors import NotFound
from mobile_api.edge.access import Role, allow
from mobile_api.wiring import Wired

if TYPE_CHECKING:
    from PIL import Image

router = APIRouter(dependencies=[allow(Role.ANYONE)], include_in_schema=False)
NAME: Final = re.compile(r"[0-9a-f]{8,64}\.(?:webp|png|jpe?g)")
MEDIA_TYPES: Final = {".webp": "image/webp", ".png": "image/png"}
FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
QUALITY: Final = 82  # product plates show no difference above it
# Unpacking a large photograph takes some 100 MB for a moment; two at once would double the process.
_one_at_a_time = threading.Lock()
WIDTHS_PX: Final = (160, 400, 800)


class Pictures:
    """The pictures' folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / "pictures"

    def original(self, name: str) -> Path:
        """Return the feed's picture.

        Raises:
            NotFound: there is none of this name.
        """
        path = self._folder / name
        if NAME.fullmatch(name) is None or not path.is_file():
            msg = "there is no such picture"
            raise NotFound(msg)
        return path

    def sized(self, name: str, width_px: int, suffix: str = "") -> Path:
        """Return a copy at most ``width_px`` wide, as ``suffix`` or in the original's format."""
        original = self.original(name)
        suffix = suffix or original.suffix
        copy = self._folder / f"w{width_px}" / f"{original.stem}{suffix}"
        if not copy.exists():
            with _one_at_a_time:
                if not copy.exists():
                    _shrink(original, copy, width_px)
        return copy


def _shrink(original: Path, copy: Path, width_px: int) -> None:
    from PIL import Image  # noqa: PLC0415 - 10 MB of library that most processes never need

    copy.parent.mkdir(parents=True, exist_ok=True)
    half = copy.with_name(f"{copy.stem}.{os.getpid()}.part{copy.suffix}")
    with Image.open(original) as picture:
        picture.draft("RGB", (width_px, width_px))
        shown = picture if copy.suffix == ".png" else _on_paper(picture)
        if shown.width > width_px:
            height = max(1, round(shown.height * width_px / shown.width))
            shown = shown.resize((width_px, height), Image.Resampling.LANCZOS)
        shown.save(half, quality=QUALITY, method=4)
    half.replace(copy)  # at once: nobody is served half a picture


def _on_paper(picture: "Image.Image") -> "Image.Image":
    """Return the picture without transparency: white where it has none."""
    from PIL import Image  # noqa: PLC0415 - as above

    if picture.mode in {"RGB", "L"}:
        return picture.convert("RGB")
    coloured = picture.convert("RGBA")
    paper = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(paper, coloured).convert("RGB")


@router.get("/pictures/{name}")
def picture(
    name: Annotated[str, InPath(max_length=80)],
    wired: Wired,
    w: Annotated[int, Query(description="Width in pixels, at most; 0: as it is.")] = 0,
) -> FileResponse:
    """Give a picture; its name stands for its content, so phones keep it for ever."""
    if w and w not in WIDTHS_PX:  # any width would fill the disk with copies
        msg = f"pictures have widths of {WIDTHS_PX}"
        raise NotFound(msg)
    pictures = Pictures(wired.settings.data_dir)
    path = pictures.sized(name, w) if w else pictures.original(name)
    media_type = MEDIA_TYPES.get(path.suffix, "image/jpeg")
    return FileResponse(path, media_type=media_type, headers=FOR_EVER)
