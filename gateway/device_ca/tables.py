"""Rows of the certificates that the shop's CA has signed."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from cart.db.columns import ID_LENGTH_MAX

SERIAL_LENGTH_MAX = 40  # 160 bits in hexadecimal (RFC 5280)


class DeviceCertificateRow(SQLModel, table=True):
    """A certificate of a device, until it has run out."""

    __tablename__ = "device_certificate"

    serial: str = Field(primary_key=True, max_length=SERIAL_LENGTH_MAX)
    device_id: str = Field(foreign_key="device.id", index=True, max_length=ID_LENGTH_MAX)
    issued_at: datetime
    not_after: datetime
