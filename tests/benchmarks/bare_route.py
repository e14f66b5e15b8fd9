"""The least that FastAPI can do: one route with a small JSON object. The measure of ours."""

import sys

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/bare")
def bare() -> dict[str, object]:
    """Return what a shop's smallest answer is like."""
    return {"gtin": "04006381333931", "sku": "lamp-red", "available": 3, "price_minor": 18_900}


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
