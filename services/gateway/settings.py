"""What the gateway is told by its environment; a read URL may be a replica's."""

from services.runtime.settings import ProcessSettings


class GatewaySettings(ProcessSettings):
    """One read URL a service, the issuer of tokens, and where to listen."""

    registry_read_url: str
    issuance_read_url: str
    settlement_read_url: str
    jwks: str
    """A file, or an https URL."""
    token_issuer: str
    token_audience: str
    host: str = "127.0.0.1"
    port: int = 8080
    allowed_origins: str = ""
    """Origins of web pages that may call from a browser, separated by commas."""
    public_url: str = ""
    """Where everybody reaches this gateway, as certificates say; if not told, its host and port, as in a demo."""

    @property
    def public_address(self) -> str:
        """The public URL, without a slash at its end."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def read_urls(self) -> dict[str, str]:
        """The read URLs by service."""
        return {
            "registry": self.registry_read_url,
            "issuance": self.issuance_read_url,
            "settlement": self.settlement_read_url,
        }

    @property
    def origins(self) -> list[str]:
        """The allowed origins."""
        return [origin.strip() for origin in self.allowed_origins.split(",") if origin.strip()]
