"""A server elsewhere: where it is, and the token that it wants; sent over TLS, or to this machine itself."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from urllib.parse import urlsplit

from calzion.errors import CalzionError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True)
class Remote:
    """`insecure` says that somebody has agreed to have the token sent where others can read it."""

    scheme: str
    host: str
    port: int
    token: str = field(repr=False)
    insecure: bool = False

    @classmethod
    def parse(cls, url: str, token: str, *, insecure: bool = False) -> Remote:
        """Raises CalzionError (usage) for what is no URL of a server, or would give the token away."""
        scheme, host, port = _parts(url)
        if scheme == "http" and not insecure and not _is_loopback(host):
            raise CalzionError(
                f"whoever is on the way to {host} could read the token: {url} is not encrypted",
                hint="use https://, or a tunnel: ssh -NL 4000:127.0.0.1:4000 HOST, and http://127.0.0.1:4000",
                code="usage",
            )
        if not token.isascii() or not token.isprintable() or not token or " " in token:
            raise CalzionError(
                "this is no token", hint="'calzion tokens add' on the server makes one", code="usage"
            )
        return cls(scheme=scheme, host=host, port=port, token=token, insecure=insecure)

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    def connection(self, timeout: float | None) -> HTTPConnection:
        """Not connected yet. Certificates are checked as the machine trusts them."""
        if self.scheme == "http":
            return HTTPConnection(self.host, self.port, timeout=timeout)
        import ssl
        from http.client import HTTPSConnection

        return HTTPSConnection(self.host, self.port, timeout=timeout, context=ssl.create_default_context())


def _parts(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in _DEFAULT_PORTS or not host or more or not url.isprintable():
        raise CalzionError(
            "this is no server's URL",
            hint="it is as https://calzion.example.com, and holds neither a path nor a token",
            code="usage",
        )
    return parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
