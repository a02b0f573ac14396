"""Addresses of repositories and archives elsewhere. Pure; what is given may be hostile.

Only http(s) is spoken, without a key or an agent: other transports of git can run programs or read this machine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

MAX_LENGTH = 2000

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\]")
_PATH = re.compile(r"/[\x21-\x7e]*")
_USERINFO = re.compile(r"(?<=://)[^\s/@\"'<>]*(?:@[^\s/@\"'<>]+)*@")
_SCP = re.compile(r"[^/\s]+@[^/\s]+:.*|ssh://.*|git\+ssh://.*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Address:
    """`url` has no credentials in it and may be shown; `user` and `password` may not."""

    url: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        return self.url.startswith("https://")


def parse_address(text: str) -> Address:
    """Read an http(s) URL. Raises ValueError with a reason that completes "it can't be fetched: …"."""
    if _SCP.fullmatch(text):
        raise ValueError("ssh needs a key, and builds have none; use its https:// address")
    if len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or set(text) & set(' \\"<>`'):
        raise ValueError("this is no address")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("this is no address") from None
    if parts.scheme not in ("https", "http"):
        raise ValueError("only https:// addresses are fetched")
    host = parts.netloc.rpartition("@")[2].removesuffix(f":{port}")
    if not _HOST.fullmatch(host) or not _PATH.fullmatch(parts.path) or parts.fragment:
        raise ValueError("this is no address")
    place = host.lower() + (f":{port}" if port is not None else "")
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        url=f"{parts.scheme}://{place}{parts.path}{query}",
        user=_credential(parts.username),
        password=_credential(parts.password),
    )


def redact(text: str) -> str:
    """The text without the credentials of the URLs in it."""
    return _USERINFO.sub("***@", text) if "://" in text and "@" in text else text


def _credential(text: str | None) -> str:
    plain = unquote(text or "")
    if not plain.isprintable():
        raise ValueError("its user name or password can't be sent")
    return plain
