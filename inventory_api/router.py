"""The HTTP API of catalogue and stock, to be mounted by the API process.

Every route is for anyone: it says nothing that a shopper in the shop cannot
see. Raises errors of ``cart.kernel.errors``; the process that mounts it turns
them into problem details.
"""

from fastapi import APIRouter

from inventory_api.catalogue.router import catalogue_router
from inventory_api.parts import InventoryParts
from inventory_api.stock.router import stock_router

__all__ = ["InventoryParts", "make_router"]


def make_router(parts: InventoryParts) -> APIRouter:
    """Return all routes, under ``/api/v1``."""
    router = APIRouter(prefix="/api/v1")
    router.include_router(catalogue_router(parts))
    router.include_router(stock_router(parts))
    return router
