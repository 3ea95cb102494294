"""Celery: thin tasks that call the duties of the appliance, and the clock that calls them when no message does."""
