"""The ``tonne`` command: a client of the public contracts that starts, feeds, checks and breaks a stack."""
