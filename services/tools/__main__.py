"""``python -m services.tools``."""

from services.tools.cli import main

main()
