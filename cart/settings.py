"""Settings that every server process shares; more come in gateway and mobile_api."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """Where the data is. Read from the environment; names are the fields in capitals."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

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

    @property
    def effective_database_url(self) -> str:
        """The URL to connect to."""
        return self.database_url or f"sqlite:///{self.data_dir / 'carryover.db'}"
