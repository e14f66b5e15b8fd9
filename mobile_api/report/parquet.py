"""Tables as Parquet, for a notebook, by pyarrow: an extra, ``carryover[notebook]``.

Loaded only when somebody asks for such a file: it takes half a second, and some 65 MB that the
process keeps. Where it is not installed, nothing is offered.
"""

from importlib.util import find_spec
from io import BytesIO
from typing import TYPE_CHECKING, Final

from cart.kernel.errors import NotFound
from mobile_api.report.sheets import Sheet, Type

if TYPE_CHECKING:
    import pyarrow as pa

INSTALL: Final = "Parquet needs pyarrow: pip install 'carryover[notebook]'"
DIGITS: Final = 38  # of a decimal: as many as 128 bits hold


def available() -> bool:
    """Say whether pyarrow is installed, without loading it."""
    return find_spec("pyarrow") is not None


def as_parquet(sheet: Sheet) -> bytes:
    """Return a table as a Parquet file (zstd), each column typed. Not on an event loop.

    Raises:
        NotFound: pyarrow is not installed; the message says what to install.
    """
    if not available():
        raise NotFound(INSTALL)
    # Half a second and 65 MB: for whoever asks, not for every process at its start.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = list(zip(*sheet.rows, strict=True)) or [()] * len(sheet.columns)
    table = pa.table(
        [
            pa.array(column, type=_type(pa, kind))
            for column, kind in zip(columns, sheet.columns.values(), strict=True)
        ],
        names=list(sheet.columns),
    )
    file = BytesIO()
    pq.write_table(table, file, compression="zstd")
    return file.getvalue()


def _type(arrow: "pa", kind: Type) -> "pa.DataType":
    match kind:
        case Type.TEXT:
            return arrow.string()
        case Type.WHOLE:
            return arrow.int64()
        case Type.SHARE:
            return arrow.decimal128(DIGITS, 6)
        case Type.MINOR:
            return arrow.decimal128(DIGITS, 2)
        case Type.MOMENT:
            return arrow.timestamp("us", tz="UTC")
