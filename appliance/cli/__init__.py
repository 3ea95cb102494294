"""The command line: thin, readable, scriptable (`--json` and exit codes that mean something)."""
