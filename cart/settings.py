"""Settings that every server process shares; more come in gateway and mobile_api."""

import secrets
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cart.key_file import kept_in
from cart.secrets import check_url

KEY_BYTES: Final = 32  # 256 bits: signs links, derives cookies, seals what is secret at rest
KEY_LENGTH_MIN: Final = 32  # characters
KEY_FILE: Final = "secret.key"


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


class KeySettings(DatabaseSettings):
    """The server's own key, the same for every process that opens what another has sealed."""

    secret_key: Annotated[
        str,
        Field(
            description="At least 32 characters; signs list links, derives cookies and seals the"
            " secrets of second factors and wristbands: the same for the API, the gateway and the"
            " command line. Empty: one is made and kept in `DATA_DIR/secret.key`, readable by its"
            " owner only.",
            repr=False,
        ),
    ] = ""

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.secret_key and len(self.secret_key) < KEY_LENGTH_MIN:
            msg = f"SECRET_KEY must have at least {KEY_LENGTH_MIN} characters"
            raise ValueError(msg)
        return self

    def key(self) -> bytes:
        """Return the secret key; made and kept on first use if none is configured.

        Raises:
            ValueError: the file that keeps it is not whole.
        """
        if self.secret_key:
            return self.secret_key.encode()
        path = self.data_dir / KEY_FILE
        kept = kept_in(path, secrets.token_urlsafe(KEY_BYTES))
        if len(kept) < KEY_LENGTH_MIN:
            msg = f"{path} is not whole: put it back from a backup, or delete it for a new one"
            raise ValueError(msg)
        return kept.encode()
