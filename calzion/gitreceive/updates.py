"""What a push asks for, decided from its ref updates and push options alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calzion.errors import CalzionError
from calzion.gitreceive.options import DEFAULT_TEMPLATE, PushOptions, parse_options
from calzion.gitreceive.refname import BRANCHES, TAGS, ZERO, is_object_id, is_refname
from calzion.gitreceive.request import RefUpdate
from calzion.model import DeploymentName


@dataclass(frozen=True, kw_only=True)
class Deploy:
    """One branch moves: its name is the deployment, `new` the commit. `old` is 40 zeros for a new branch.

    With `plan` nothing is to move: the pusher only wants to know what would.

    `data_from` and `ttl` are as in PushOptions.
    """

    deployment: DeploymentName
    old: str
    new: str
    ref: str
    template: str = DEFAULT_TEMPLATE
    plan: bool = False
    data_from: str = ""
    ttl: int | None = None


@dataclass(frozen=True, kw_only=True)
class Destroy:
    """A branch is deleted: the deployment goes with it, where `confirmation` is its name."""

    deployment: DeploymentName
    old: str
    ref: str
    confirmation: str = ""


@dataclass(frozen=True, kw_only=True)
class Tag:
    """Tags are stored and deploy nothing; `message` tells the pusher how they would."""

    names: tuple[str, ...]
    message: str


def parse_updates(updates: Sequence[RefUpdate], options: Sequence[str] = ()) -> Deploy | Destroy | Tag:
    """Raises CalzionError, a sentence for the pusher, for everything that is not one of these alone."""
    wanted = parse_options(options)
    for update in updates:
        _check(update)
    branches = [update for update in updates if update.ref.startswith(BRANCHES)]
    tags = [update for update in updates if update.ref.startswith(TAGS)]
    if not updates:
        raise CalzionError("this push moves nothing", code="usage")
    if len(branches) > 1:
        raise CalzionError(
            f"one push deploys to one deployment, and this one moves {_listing(branches)}",
            code="usage",
            hint="push them one after the other",
        )
    if branches and tags:
        raise CalzionError(
            f"this push moves a branch and tags ({_listing(tags)}) together",
            code="usage",
            hint="push the branch and the tags one after the other",
        )
    return _branch(branches[0], wanted) if branches else _tag(tags)


def _check(update: RefUpdate) -> None:
    if not (is_object_id(update.old) and is_object_id(update.new) and is_refname(update.ref)):
        raise CalzionError(f"{update.ref[:100]!a} is no ref that can be pushed", code="usage")
    if not update.ref.startswith((BRANCHES, TAGS)):
        raise CalzionError(
            f"{_shown(update.ref)} can't be pushed: only branches, which name deployments, and tags",
            code="usage",
            hint="for example: git push calzion HEAD:refs/heads/myapp-staging",
        )
    if update.new == ZERO and update.ref.startswith(TAGS):
        raise CalzionError(
            f"the tag {_short(update.ref)} can't be deleted by a push: a release may have come from it",
            code="unsupported",
        )


def _branch(update: RefUpdate, options: PushOptions) -> Deploy | Destroy:
    try:
        deployment = DeploymentName.parse(update.ref.removeprefix(BRANCHES))
    except ValueError as error:
        raise CalzionError(
            f"the target branch names the deployment, but {error}",
            code="usage",
            hint="for example: git push calzion HEAD:refs/heads/myapp-staging",
        ) from None
    if options.data_from == deployment:
        raise CalzionError(f"{deployment} can't begin with a copy of its own data", code="usage")
    if update.new == ZERO:
        _refuse_with_deletion(options)
        return Destroy(deployment=deployment, old=update.old, ref=update.ref, confirmation=options.destroy)
    if options.destroy:
        raise CalzionError(
            f"-o destroy={options.destroy[:80]!a} goes with the deletion of a branch",
            code="usage",
            hint=f"for example: git push -o destroy={deployment} calzion :{deployment}",
        )
    return Deploy(
        deployment=deployment,
        old=update.old,
        new=update.new,
        ref=update.ref,
        template=options.template,
        plan=options.plan,
        data_from=options.data_from,
        ttl=options.ttl,
    )


def _refuse_with_deletion(options: PushOptions) -> None:
    if options.data_from or options.ttl is not None:
        given = "from" if options.data_from else "ttl"
        raise CalzionError(f"-o {given} goes with a deploy, and this push deletes a branch", code="usage")


def _tag(tags: Sequence[RefUpdate]) -> Tag:
    names = tuple(_short(tag.ref) for tag in tags)
    stored = f"tag {names[0]} is stored" if len(names) == 1 else f"{len(names)} tags are stored"
    line = f"git push calzion {names[0]}^{{commit}}:refs/heads/DEPLOYMENT"
    return Tag(names=names, message=f"{stored}; a tag deploys nothing. To deploy it: {line}")


def _listing(updates: Sequence[RefUpdate]) -> str:
    names = [_short(update.ref) for update in updates]
    shown = names[:5] + ([f"{len(names) - 5} more"] if len(names) > 5 else [])
    return ", ".join(shown)


def _short(ref: str) -> str:
    """As its pusher wrote it."""
    return _shown(ref.removeprefix(BRANCHES).removeprefix(TAGS))


def _shown(name: str) -> str:
    """A name of any bytes, as text that JSON holds and any terminal may show."""
    return name if name.isprintable() else ascii(name)
