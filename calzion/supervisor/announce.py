"""The one line that `calzion serve` prints when everything is up."""

from __future__ import annotations

from pathlib import Path

from calzion.config import Address

_EVERY = frozenset({"0.0.0.0", "::"})


def ready_line(*, ssh: Address, http: Address, domain: str, fingerprint: str, data: Path) -> str:
    host = _host(ssh, domain)
    port = f":{http.port}" if http.port != 80 else ""
    key = f" (host key {fingerprint})" if fingerprint else ""
    push = f"ssh://git@{host}:{ssh.port}/NAME"
    return f"Calzion is ready: push to {push}{key}, http://*.{domain}{port}, data {data}"


def _host(address: Address, domain: str) -> str:
    if address.host in _EVERY:
        return domain
    return f"[{address.host}]" if ":" in address.host else address.host
