"""What a caller of the API may do: a right, and the deployments that it is for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from calzion.controller.access import may_deploy
from calzion.errors import CalzionError

ADMINISTRATOR = "administrator"
"""Whom changes through the machine's own socket are recorded for."""


class Right(IntEnum):
    """Each includes those before it. The name in lower case is what users write."""

    NONE = 0
    """What every caller may who is known at all."""
    READ = 1
    DEPLOY = 2
    ADMIN = 3

    @classmethod
    def parse(cls, text: str) -> Right:
        """Raises CalzionError (usage)."""
        names = [each.name.lower() for each in cls if each]
        if text not in names:
            raise CalzionError(
                f"{text[:80]!a} is no scope", hint=f"it is one of: {', '.join(names)}", code="usage"
            )
        return cls[text.upper()]

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks. `allow` are patterns as keys have them; none allow no deployment, except to an administrator."""

    user: str
    right: Right
    allow: tuple[str, ...] = ()
    token: str = ""
    """The id of the token that proved it; '' on the machine's own socket."""

    @property
    def is_local(self) -> bool:
        return not self.token

    def sees(self, deployment: str) -> bool:
        """Whether anything may be said of the deployment."""
        if self.right is Right.ADMIN:
            return True
        return self.right >= Right.READ and may_deploy(self.allow, deployment)

    def require(self, right: Right) -> None:
        """Raises CalzionError (refused) where it may not do this anywhere."""
        if self.right < right:
            raise CalzionError(
                f"this token's scope is {self.right}, and this needs {right}",
                hint=f"'calzion tokens add NAME --scope {right}' on the server makes one",
                code="refused",
            )

    def require_on(self, right: Right, deployment: str) -> None:
        """Raises CalzionError: not_found where nothing may be said of the deployment, else refused."""
        if not self.sees(deployment):
            raise unknown(deployment)
        self.require(right)

    def named(self, claimed: str) -> str:
        """Whom a change is recorded for: the machine's administrator may tell, a token's user is its own."""
        return claimed if self.is_local else self.user


LOCAL = Caller(user=ADMINISTRATOR, right=Right.ADMIN)


def unknown(deployment: str) -> CalzionError:
    """The same for a deployment that is not there and for one that the caller must not know of."""
    return CalzionError(
        f"there is no deployment {deployment}",
        hint="'calzion list' shows those there are",
        code="not_found",
    )
