"""What stands in a template where its inputs held a secret: `${NAME}`, generated or to be set."""

from __future__ import annotations

import shlex
from collections.abc import MutableMapping

from calzion.scaffold.naming import variable
from calzion.scaffold.suspicion import any_value_will_do, is_password, is_secret, url_password
from calzion.template.interpolation import references

_SHORTEST = 4
"""Characters of a secret that is looked for inside other text; a shorter one would be found by chance."""


class Vault:
    """Gives each secret one name, and the same name to a password that several services share."""

    def __init__(self) -> None:
        self.generate: list[str] = []
        self.wanted: list[str] = []
        self._values: dict[str, str] = {}

    def reference(self, name: str, value: str, owner: str, *, own: bool = False) -> str:
        """`${NAME}` for the secret `value` ('' where it is not known) of the variable `name` of `owner`.

        With `own` it is a secret that `owner` itself is set up with (a database's password), so any value will do.
        """
        found = self._known(name, value, owner)
        if found not in self.generate and found not in self.wanted:
            (self.generate if own or any_value_will_do(found) else self.wanted).append(found)
        self._values.setdefault(found, value)
        return f"${{{found}}}"

    def value(self, name: str, text: str, owner: str, *, own: bool = False) -> str:
        """`text`, in the language of template values, without the secrets that it holds literally."""
        if references(text, strict=False):
            return self._without_password(name, text, owner)
        if text and is_secret(name, text):
            return self.reference(name, text, owner, own=own)
        return self._without_password(name, text, owner)

    def shell(self, words: str, env: MutableMapping[str, str]) -> str:
        """A shell command in which every known secret is the `$NAME` of `env`, to which it is added."""
        for name, value in sorted(self._values.items(), key=lambda item: -len(item[1])):
            if len(value) < _SHORTEST or value not in words:
                continue
            reference = f"${{{name}}}"
            holder = next((key for key, text in env.items() if text == reference), name)
            env.setdefault(holder, reference)
            words = words.replace(shlex.quote(value), value).replace(value, f'"${holder}"')
        return words

    def _without_password(self, name: str, text: str, owner: str) -> str:
        match = url_password(text)
        if match is None or match["password"].startswith("${"):
            return text
        start, end = match.span("password")
        return text[:start] + self.reference(_of_url(name), match["password"], owner) + text[end:]

    def _known(self, name: str, value: str, owner: str) -> str:
        if value and is_password(name):
            for known, kept in self._values.items():
                if kept == value and is_password(known):
                    return known
        if self._values.get(name, value) in ("", value) or not value:
            return name
        return f"{variable(owner)}_{name}"


def literal(text: str) -> str:
    """`text` as a value that means itself."""
    return text.replace("${", "$${")


def _of_url(name: str) -> str:
    """DATABASE_URL holds DATABASE_PASSWORD."""
    return name.upper().removesuffix("_URL").removesuffix("_URI") + "_PASSWORD"
