"""The HTTP API of catalogue and stock, to be mounted by the API process.

Every route is for anyone: it says nothing that a shopper in the shop cannot
see. Raises errors of ``cart.kernel.errors``; the process that mounts it turns
them into problem details.
"""

from fastapi import APIRouter, FastAPI

from inventory_api.catalogue.router import CatalogueDesk
from inventory_api.catalogue.router import router as catalogue_router
from inventory_api.parts import InventoryParts
from inventory_api.stock.router import StockDesk
from inventory_api.stock.router import router as stock_router

__all__ = ["InventoryParts", "router", "serve"]

router = APIRouter(prefix="/api/v1")  # all routes; the process also calls :func:`serve`
router.include_router(catalogue_router)
router.include_router(stock_router)


def serve(app: FastAPI, parts: InventoryParts) -> None:
    """Give the routes what they need of this process."""
    app.state.catalogue = CatalogueDesk(parts)
    app.state.stock = StockDesk(parts)
