"""What every part of a Compose file is read with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calzion.scaffold.compose.substitution import plain, substitute
from calzion.scaffold.sketch import Notes
from calzion.scaffold.suspicion import is_secret
from calzion.scaffold.tree import Tree
from calzion.scaffold.vault import Vault, literal


@dataclass(frozen=True, kw_only=True)
class Context:
    """`directory` is where the file stands, `known` are the values of the `.env` beside it."""

    tree: Tree
    directory: str
    known: Mapping[str, str]
    names: Mapping[str, str]
    """The services' names in the file -> their names in the template."""
    notes: Notes
    vault: Vault


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The service that is read. `data` services are databases and the like: their passwords are their own."""

    name: str
    data: bool
    context: Context

    def leave(self, what: str) -> None:
        self.context.notes.leave(self.name, what)

    def decide(self, what: str) -> None:
        self.context.notes.decide(self.name, what)

    def text(self, written: str, variable: str = "") -> str:
        """A text of the file in the language of template values; `variable` is the name of what it is for."""
        found = substitute(written, self.context.known, self._reference, literal)
        return self.context.vault.value(variable, found, self.name, own=self.data) if variable else found

    def fixed(self, written: str) -> str | None:
        """A text in which every name is known; None where one is not."""
        return plain(written, self.context.known)

    def command(self, written: str, env: dict[str, str]) -> str:
        """A shell command: what is not known, or secret, comes to it by `env`."""

        def resolve(name: str, value: str | None) -> str:
            if value is not None and not is_secret(name, value):
                return value
            env.setdefault(name, self.context.vault.reference(name, value or "", self.name, own=self.data))
            return f"${name}"

        found = substitute(written, self.context.known, resolve, str)
        return self.context.vault.shell(found, env)

    def _reference(self, name: str, value: str | None) -> str:
        if value is not None and not is_secret(name, value):
            return self.context.vault.value(name, literal(value), self.name, own=self.data)
        own = self.data and is_secret(name)
        return self.context.vault.reference(name, value or "", self.name, own=own)
