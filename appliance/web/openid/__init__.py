"""Signing in through an OpenID provider: authorization code with PKCE (RFC 7636), OpenID Connect Core 1.0."""
