"""Executable quantification: from what was measured in a period to whole tonnes, with every step on record."""
