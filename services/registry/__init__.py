"""The registry: who takes part, under which programmes, with which projects."""
