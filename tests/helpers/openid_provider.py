"""An OpenID provider of somebody else's make (Django OAuth Toolkit), as a process of its own.

`python -m tests.helpers.openid_provider FOLDER PORT REDIRECT_URI...` serves until it is ended. Its people are those of
PEOPLE; each has the password PASSWORD, and the groups that stand there as a claim.
"""

import contextlib
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

PEOPLE = {"grace": ["radiologists"], "linus": ["porters"], "margaret": ["radiologists", "pacs"]}
PASSWORD = "moon-landing-guidance"
CLIENT_ID, CLIENT_SECRET = "appliance", "a-secret-of-the-client"
_BITS = 2048


@contextlib.contextmanager
def running_provider(folder: Path, port: int, redirect_uris: Sequence[str]) -> Iterator[str]:
    """The issuer of a provider that runs within the block."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.helpers.openid_provider", str(folder), str(port), *redirect_uris]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    issuer = f"http://127.0.0.1:{port}/o"
    try:
        for _ in range(600):
            assert process.poll() is None, (folder / "log").read_text()
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{issuer}/.well-known/openid-configuration")
                break
            time.sleep(0.1)
        yield issuer
    finally:
        process.terminate()
        process.wait(30)


def consent(address: str, name: str, password: str = PASSWORD) -> str:
    """What a person does at the provider: sign in there. The address to which it sends them back."""
    with httpx.Client(follow_redirects=False) as client:
        answer = client.get(address)
        while "/admin/login/" in (place := answer.headers.get("Location", "")):
            form = client.get(httpx.URL(address).join(place))
            token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form.text)
            assert token
            data = {"username": name, "password": password, "csrfmiddlewaretoken": token.group(1)}
            signed_in = client.post(form.url, data=data | {"next": httpx.URL(place).params["next"]})
            answer = client.get(httpx.URL(address).join(signed_in.headers["Location"]))
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def _settings(folder: Path, key: str) -> dict[str, Any]:
    return {
        "SECRET_KEY": "of a test",
        "ALLOWED_HOSTS": ["127.0.0.1"],
        "ROOT_URLCONF": __name__,
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "provider.sqlite"}},
        "INSTALLED_APPS": [
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.messages",
            "django.contrib.sessions",
            "oauth2_provider",
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        "LOGIN_URL": "/admin/login/",
        "STATIC_URL": "/static/",
        "USE_TZ": True,
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "OAUTH2_PROVIDER": {
            "OIDC_ENABLED": True,
            "OIDC_RSA_PRIVATE_KEY": key,
            "PKCE_REQUIRED": True,
            "ALLOWED_REDIRECT_URI_SCHEMES": ["http", "https"],
            "SCOPES": {"openid": "", "profile": "", "email": ""},
            "OAUTH2_VALIDATOR_CLASS": f"{__name__}.validator",
        },
    }


def validator(*arguments: Any, **named: Any) -> Any:
    """The toolkit's validator, with claims about people."""
    from oauth2_provider.oauth2_validators import OAuth2Validator

    class WithGroups(OAuth2Validator):  # type: ignore[misc]
        oidc_claim_scope = None

        def get_additional_claims(self, request: Any) -> dict[str, Any]:
            name = request.user.username
            return {"preferred_username": name, "name": name.title(), "groups": PEOPLE[name]}

    return WithGroups(*arguments, **named)


def _serve(folder: Path, port: int, redirect_uris: Sequence[str]) -> None:
    from wsgiref.simple_server import make_server

    import django
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings
    from django.contrib import admin
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path

    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS).private_bytes(*form).decode()
    settings.configure(**_settings(folder, key))
    django.setup()
    call_command("migrate", verbosity=0)
    globals()["urlpatterns"] = [
        path("admin/", admin.site.urls),
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    ]
    from django.contrib.auth.models import User
    from oauth2_provider.models import Application

    for name in PEOPLE:
        User.objects.create_user(name, password=PASSWORD, is_staff=True)
    Application.objects.create(
        name="Appliance",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(redirect_uris),
        skip_authorization=True,
        algorithm=Application.RS256_ALGORITHM,
    )
    make_server("127.0.0.1", port, get_wsgi_application()).serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
