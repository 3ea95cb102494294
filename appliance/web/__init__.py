"""The web service: announcements of the plugin, health and readiness."""
