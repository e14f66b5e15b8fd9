"""All routes of looks, in the order in which they are asked."""

from typing import Final

from fastapi import APIRouter

from mobile_api.looks import devices, pages, phones, router, shared, tus

# Fixed words before ids: ``/looks/shared/…`` is no look of that name.
ROUTERS: Final[tuple[APIRouter, ...]] = (
    devices.router,
    tus.router,
    router.router,
    shared.router,
    phones.router,
    pages.router,
)
UPLOADS: Final = f"{devices.UPLOADS}/"  # below it bodies may be large
UPLOAD_BYTES_MAX: Final = tus.UPLOAD_BYTES_MAX
