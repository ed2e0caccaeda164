"""What a process is told by its environment: read once, in main; a missing variable stops it and is named."""

import sys
from typing import Literal, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

EXIT_USAGE = 2


class ProcessSettings(BaseSettings):
    """What every process needs; secrets have no default."""

    model_config = SettingsConfigDict(env_prefix="TONNE_", frozen=True, extra="ignore")

    amqp_url: str
    admin_port: int = 0
    log: Literal["text", "json"] = "text"


class ServiceSettings(ProcessSettings):
    """What a service needs beside: its own database URL, with the role that is not the owner."""

    database_url: str


Settings = TypeVar("Settings", bound=ProcessSettings)


def read(kind: type[Settings]) -> Settings:
    """The settings from the environment, or one line a fault and exit code 2."""
    try:
        return kind()  # pyright: ignore[reportCallIssue]
    except ValidationError as fault:
        for error in fault.errors():
            name = "TONNE_" + "_".join(str(part) for part in error["loc"]).upper()
            sys.stderr.write(f"{name}: {error['msg']}\n")
        sys.exit(EXIT_USAGE)
