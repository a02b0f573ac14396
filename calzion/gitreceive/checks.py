"""What git decides only after the hook, checked before anything is built."""

from __future__ import annotations

from pathlib import Path

from calzion.errors import CalzionError
from calzion.gitreceive.refname import BRANCHES, ZERO
from calzion.gitreceive.refs import current_ref


def check_update(repository: Path, *, old: str, new: str, ref: str) -> None:
    """Raises CalzionError (conflict) where git would refuse to move `ref` from `old` to `new` after the hook.

    To be called under the deployment's lock, also again when a turn was waited for. That `new` is a commit at
    all is found by reading it.
    """
    name = ref.removeprefix(BRANCHES)
    current = current_ref(repository, ref)
    if current == new != old:
        raise CalzionError(
            f"{name} was moved to this commit while you waited",
            code="conflict",
            hint=f"to deploy it again: calzion redeploy {name}",
        )
    if (current or ZERO) != old:
        raise CalzionError(
            f"{name} moved while you waited: fetch and push again",
            code="conflict",
        )
    for lock in (repository / f"{ref}.lock", repository / "packed-refs.lock", repository / "shallow.lock"):
        if lock.exists():
            raise CalzionError(
                f"git is writing to {name} already ({lock.name} exists)",
                code="conflict",
                hint=f"push again in a moment; where no push is running, remove {lock}",
            )
