"""Runs the registry's process."""

from services.registry.handlers import SERVICE
from services.runtime import process

if __name__ == "__main__":
    process.run(SERVICE)
