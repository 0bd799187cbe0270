"""Settings of the pdf service: it has no database and no topics, only its own door key."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class PdfSettings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="RUCOR_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8084, ge=0, le=65535)
    log_level: str = "info"
    internal_token: SecretStr = Field(min_length=32, description="bearer token that claims presents")
    render_processes: int = Field(default=2, ge=1, le=32)
    render_timeout_s: float = Field(default=60.0, gt=0)
