"""Runs the gateway: ``python -m services.gateway``."""

from services.gateway.process import serve
from services.gateway.settings import GatewaySettings
from services.runtime import telemetry
from services.runtime.process import start
from services.runtime.settings import read

if __name__ == "__main__":
    settings = read(GatewaySettings)
    telemetry.configure(settings.log)
    start(serve(settings))
