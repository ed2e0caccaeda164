"""Runs the process of issuance."""

from services.issuance.handlers import SERVICE
from services.runtime import process

if __name__ == "__main__":
    process.run(SERVICE)
