"""Accounts and how people and programs sign in with them: passwords, sessions, tokens, the first account."""
