"""Alembic's environment; run by appliance.store.engine, never on its own."""
