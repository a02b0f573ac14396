"""What the router shall do, as it is kept on disk: which pool has which slot, and where every route leads."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from calzion.durable import sync_directory
from calzion.model import Endpoint


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A pool in its slot, which is a backend of HAProxy."""

    slot: str
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, kw_only=True)
class RouterState:
    """`pools` by name, also those that wait for their end. `routes` are the entries of the map that a switch of
    releases changes, `names` those of the map of domains. `passwords` maps a domain's users to hashes."""

    pools: Mapping[str, Placed] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    passwords: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    def to_json(self) -> str:
        pools = {
            name: {"slot": placed.slot, "endpoints": [[end.host, end.port] for end in placed.endpoints]}
            for name, placed in self.pools.items()
        }
        passwords = {name: dict(users) for name, users in self.passwords.items()}
        found = {
            "pools": pools,
            "routes": dict(self.routes),
            "names": dict(self.names),
            "passwords": passwords,
        }
        return json.dumps(found, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> RouterState:
        """Raises ValueError, KeyError or TypeError where `text` is not what `to_json` wrote."""
        data = json.loads(text)
        pools = {
            str(name): Placed(
                slot=str(placed["slot"]),
                endpoints=tuple(Endpoint(str(host), int(port)) for host, port in placed["endpoints"]),
            )
            for name, placed in data["pools"].items()
        }
        return cls(
            pools=pools,
            routes=_texts(data["routes"]),
            names=_texts(data["names"]),
            passwords={str(name): _texts(users) for name, users in data["passwords"].items()},
        )


def _texts(data: Mapping[object, object]) -> dict[str, str]:
    return {str(key): str(value) for key, value in data.items()}


def state_file(router: Path) -> Path:
    return router / "state.json"


def load_state(router: Path) -> RouterState:
    """The state below the router's directory. A missing or unreadable file is an empty state, which the next
    `apply` fills."""
    try:
        return RouterState.from_json(state_file(router).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return RouterState()


def save_state(router: Path, state: RouterState) -> None:
    write_durably(state_file(router), state.to_json())


def write_durably(path: Path, text: str) -> None:
    """Replace the file as a whole, so that a crash at any moment leaves the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_directory(path.parent)
