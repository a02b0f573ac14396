"""An address on the network, and who asks there."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HELPER = '!f() { echo "username=$CALZION_USER"; echo "password=$CALZION_PASSWORD"; }; f'


@dataclass(frozen=True)
class Place:
    """The credentials are for the address's own host alone."""

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    def at(self, url: str) -> Place:
        """Another address; the credentials stay with the host."""
        return Place(url, self.user, self.password) if Place(url).origin == self.origin else Place(url)

    def git_environment(self) -> dict[str, str]:
        """No configuration, no prompt, no other protocol, and credentials that no argument list shows."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GIT_CONFIG")},
            "HOME": "/nonexistent",
            "LC_ALL": "C",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "GIT_ALLOW_PROTOCOL": "https:http" if self.url.startswith("http://") else "https",
        }
        bundle = os.environ.get("CURL_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE")
        if bundle:
            environment.setdefault("GIT_SSL_CAINFO", bundle)
        return environment | (self._login() if self.user or self.password else {})

    def _login(self) -> dict[str, str]:
        return {
            "CALZION_USER": self.user,
            "CALZION_PASSWORD": self.password,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"credential.{self.origin}.helper",
            "GIT_CONFIG_VALUE_0": _HELPER,
        }
