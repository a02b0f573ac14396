"""What the SSH process hands to the reconciler when git asks whether refs may move."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self

from calzion.model import RepositoryName


@dataclass(frozen=True, kw_only=True)
class RefUpdate:
    """As git says it: 40 hexadecimal digits each, all zeros for a ref that is created or deleted."""

    old: str
    new: str
    ref: str


@dataclass(frozen=True, kw_only=True)
class PushRequest:
    """One push. `user` and `fingerprint` are proven; updates and options are the client's and unchecked.

    `path` is the bare repository. `address` is where the client came from.
    `quarantine` is the directory of the new objects, '' where there are none.
    """

    repository: RepositoryName
    path: str
    quarantine: str
    user: str
    fingerprint: str
    updates: tuple[RefUpdate, ...]
    options: tuple[str, ...] = ()
    address: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "updates": [asdict(update) for update in self.updates],
            "options": list(self.options),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read what `as_dict` wrote. Raises KeyError, TypeError or ValueError on anything else."""
        return cls(
            repository=RepositoryName.parse(data["repository"]),
            path=str(data["path"]),
            quarantine=str(data["quarantine"]),
            user=str(data["user"]),
            fingerprint=str(data["fingerprint"]),
            updates=tuple(
                RefUpdate(old=str(update["old"]), new=str(update["new"]), ref=str(update["ref"]))
                for update in data["updates"]
            ),
            options=tuple(str(option) for option in data["options"]),
            address=str(data.get("address") or ""),
        )
