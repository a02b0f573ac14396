"""Where the registry is, as the setting says it."""

from __future__ import annotations

import re
from dataclasses import dataclass

EMBEDDED, ETCD = "embedded", "etcd"

_URL = re.compile(
    r"(?P<kind>etcd)(?P<tls>s?)://(?:(?P<user>[A-Za-z0-9._-]{1,64})@)?(?P<hosts>[^/@]+)(?:/(?P<prefix>[a-z0-9-]{1,63}))?/?"
)
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253}):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True)
class RegistryUrl:
    """`embedded`, or etcd's API of version 3 at every `endpoints` of one cluster.

    Passwords and certificates stand in no setting: they are files below the data directory.
    """

    kind: str = EMBEDDED
    tls: bool = False
    user: str = ""
    endpoints: tuple[tuple[str, int], ...] = ()
    prefix: str = "calzion"

    @classmethod
    def parse(cls, text: str) -> RegistryUrl:
        """Raises ValueError with a sentence that says what is allowed."""
        if text == EMBEDDED:
            return cls()
        match = _URL.fullmatch(text)
        hosts = [_HOST.fullmatch(each) for each in match["hosts"].split(",")] if match else []
        found = tuple((host["host"].strip("[]"), int(host["port"])) for host in hosts if host)
        if not match or len(found) < len(hosts) or not all(0 < port < 65536 for _, port in found):
            # What was given may hold a password, which no message repeats.
            raise ValueError("write 'embedded', or etcd://HOST:PORT[,HOST:PORT][/PREFIX] (etcds:// for TLS)")
        return cls(
            match["kind"], bool(match["tls"]), match["user"] or "", found, match["prefix"] or "calzion"
        )

    def __str__(self) -> str:
        if self.kind == EMBEDDED:
            return EMBEDDED
        user = f"{self.user}@" if self.user else ""
        hosts = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.endpoints
        )
        return f"{self.kind}{'s' if self.tls else ''}://{user}{hosts}/{self.prefix}"
