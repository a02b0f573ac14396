"""What requests carry, as pydantic models: they parse the bodies, and the OpenAPI document is made of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from calzion.template.interpolation import MAX_VALUE

MAX_LINE = 64
_MOST_CELLS = 10_000
_MOST_NUMBER = 10**9


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has control characters")
    return text


Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00]*$")]
Line = Annotated[str, StringConstraints(max_length=MAX_LINE), AfterValidator(_printable)]
Word = Annotated[str, StringConstraints(max_length=MAX_VALUE, pattern=r"^[^\x00]*$")]
Cells = Annotated[int, Field(ge=0, le=_MOST_CELLS)]


class Body(BaseModel):
    """A JSON object. Keys that are not known are left out, so that newer clients can talk to this version."""

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True, populate_by_name=True)


class ByUser(Body):
    user: Line = Field("", description="whom it is recorded for; a token's user is always its own")


class NewKey(Body):
    name: Text
    key: Text = Field(description="a line as in id_ed25519.pub")
    allow: list[str] = Field([], description="deployments, or beginnings such as myapp-*; * is every one")
    repositories: list[str] = Field([], description="those of others that it may use from the first push on")
    admin: bool = False


class NewToken(Body):
    user: Text = Field(description="whom changes are recorded for")
    scope: Text = Field(description="read, deploy or admin")
    allow: list[str] = Field([], max_length=100, description="deployments, or beginnings such as myapp-*")
    ttl: Text = Field(description="such as 90m, 12h, 30d or 52w; or never")


class Login(Body):
    user: Text
    password: Text


class InfrastructureFile(Body):
    file: Line = Field("infrastructure.yaml", description="its name, for sentences about mistakes")
    text: str = Field(description="YAML")


class AppliedFile(InfrastructureFile):
    removes: list[str] = Field([], description="what its plan said would be removed; nothing else may be")


class NewSecrets(Body):
    secrets: dict[str, str] = Field(min_length=1, description="names and values; all are set, or none")


class NewSecret(Body):
    value: str


class Restart(Body):
    service: Line | None = Field(None, description="one service alone")


class Redeploy(ByUser):
    rebuild: bool = Field(False, description="build the code again")


class Rollback(ByUser):
    release: Annotated[int, Field(gt=0, lt=_MOST_NUMBER)] | None = Field(
        None, description="its number; without it, the one before"
    )


class Promote(ByUser):
    origin: Text = Field(alias="from", description="the deployment whose release is taken over")
    plan: bool = Field(False, description="only tell what would change")


class Ttl(Body):
    ttl: Text = Field(description="such as 90m, 12h, 3d or 2w; or never")


class Scale(Body):
    counts: dict[str, int] = Field(min_length=1, description="SERVICE or SERVICE.TYPE, and how many")


class Window(Body):
    rows: Cells
    columns: Cells


class Run(Body):
    """Over a connection that is upgraded to calzion-run."""

    service: Line | None = None
    command: Word | Annotated[list[Word], Field(min_length=1)] = Field(
        description="a line for bash, or a program and its arguments"
    )
    env: dict[Word, Word] = {}
    terminal: Window | None = None


class Export(ByUser):
    """Over a connection that is upgraded to calzion-archive."""

    secrets: bool = True
    pause: bool = False


class Import(ByUser):
    """Over a connection that is upgraded to calzion-archive."""

    sanitize: bool = False


class NewRelease(ByUser):
    commit: Line = ""
    origin: Line = Field(
        "", alias="from", description="the deployment with a copy of whose data a new one begins"
    )
    ttl: Text | None = Field(None, description="how long the deployment may live, such as 3d")


class Sections(Body):
    env: dict[str, Any] = {}
    generate: dict[str, Any] = Field({}, description="names and lengths of generated values")
    run: dict[str, Any] = {}


class Proposal(Sections):
    """A template and what its code is. The deployment need not exist."""

    services: dict[str, dict[str, Any]] = {}
    codes: list[dict[str, Any]] = []
    origin: Line = Field(
        "", alias="from", description="the deployment with a copy of whose data it is to begin"
    )


class SameCode(Body):
    same_as: Text = Field(description="another service of the release")
