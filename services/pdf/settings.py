"""Settings of the pdf service: it has no database and no topics, only its own door key."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared.settings import ProcessSettings


class PdfSettings(ProcessSettings):
    service: ClassVar[str] = "pdf"

    port: int = Field(default=8084, ge=0, le=65_535)
    internal_token: SecretStr = Field(min_length=32, description="the bearer token that claims presents")
    render_processes: int = Field(default=2, ge=1, le=32)
    render_timeout_s: float = Field(default=60.0, gt=0)
    waiting_max: int = Field(default=64, ge=1, description="documents waiting for a process before 503")
