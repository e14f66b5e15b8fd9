"""Settings that every server process shares; more come in gateway and mobile_api."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cart.secrets import check_url


class ProcessSettings(BaseSettings):
    """What a process tells its operator. Read from the environment; names are in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    log_format: Annotated[
        Literal["text", "json"],
        Field(description="`json`: one object a line, for a log collector."),
    ] = "text"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Field(description="The least that is worth a line."),
    ] = "warning"
    monitor_host: Annotated[
        str,
        Field(
            description="Address of the small HTTP listener with `/health/live`, `/health/ready`"
            " and `/metrics`; it asks for no sign-in, so keep it off the internet."
        ),
    ] = "127.0.0.1"
    monitor_port: Annotated[
        int,
        Field(
            ge=0,
            le=65_535,
            description="Its port, another one for each process of a machine; 0 takes a free one"
            " and writes it to `DATA_DIR/run/`.",
        ),
    ] = 0
    otel_exporter_otlp_endpoint: Annotated[
        str,
        Field(
            description="`http://collector:4318`: traces of scans that devices began go there, by"
            " OTLP over HTTP; needs `carryover[tracing]`. Empty: nothing is traced."
        ),
    ] = ""


class DatabaseSettings(ProcessSettings):
    """Where the data is."""

    data_dir: Annotated[
        Path,
        Field(description="Folder for everything kept on this machine; made if missing."),
    ] = Path("var")
    database_url: Annotated[
        str,
        Field(
            description="`postgresql://…` for PostgreSQL; empty for the SQLite file"
            " `carryover.db` in DATA_DIR."
        ),
    ] = ""

    @model_validator(mode="after")
    def _no_known_password(self) -> Self:
        """Whichever of the addresses this process has: the database's, the broker's, the mails'."""
        for name in type(self).model_fields:
            if name.endswith("_url") and isinstance(value := getattr(self, name), str):
                check_url(name.upper(), value)
        return self

    @property
    def effective_database_url(self) -> str:
        """The URL to connect to."""
        return self.database_url or f"sqlite:///{self.data_dir / 'carryover.db'}"
