"""Where it can, the SSH server is no more than what it serves: a user of its own, who sees nothing else."""

from __future__ import annotations

import importlib.util
import logging
import os
from pathlib import Path

from calzion.layout import Layout
from calzion.sshd.ownership import hand_over
from calzion.sshd.privileges import CAP_SETUID, become, may
from calzion.sshd.view import View, make_view, programs, unreadable

PUSH_USER = 170_002
"""The user and group of a server that root has started; next to those of builds and of deployments' processes."""

_log = logging.getLogger(__name__)


def confine(layout: Layout, hooks: Path) -> str:
    """Become as harmless as can be here, with `layout` (no symbolic links in it) and what is in `hooks` still served.

    To be called before anybody can be listened to. Returns a sentence about what is not protected, '' where all is.
    Raises OSError where the directories of DATA can't be handed over.
    """
    if os.geteuid() != 0:
        return "" if _is_others(layout.data) else _NOT_ROOT
    if not may(CAP_SETUID):  # by whoever started us
        return ""
    mine = layout.of_sshd
    for directory in mine:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    trouble = _hide(layout, mine, hooks)
    for directory in mine:
        hand_over(directory.resolve(), 0 if trouble else PUSH_USER)
    if trouble:
        _log.warning("%s", trouble)
        return trouble
    become(PUSH_USER)
    return ""


def _hide(layout: Layout, mine: tuple[Path, ...], hooks: Path) -> str:
    if closed := unreadable(_samples(hooks)):
        return f"{_AS_ROOT}: no other user could read {closed}. Install Calzion where every user may read it."
    try:
        make_view(View(data=layout.data, writable=mine, readable=programs((hooks,))))
    except OSError as error:
        return f"{_AS_ROOT}: it can't be given a view of its own of this machine's files ({error.strerror})."
    return ""


def _samples(hooks: Path) -> tuple[Path, ...]:
    library = importlib.util.find_spec("paramiko")
    origin = [Path(library.origin)] if library and library.origin else []
    return (Path(os.__file__), Path(__file__), *origin, *hooks.iterdir())


def _is_others(data: Path) -> bool:
    """Whether we have been given directories of DATA alone, as in a container."""
    try:
        return data.stat().st_uid != os.geteuid()
    except OSError:
        return True


_NOT_ROOT = (
    "Calzion is not root: the SSH server runs as the user who owns everything. Whoever took it over could read the "
    "database and its key."
)
_AS_ROOT = "The SSH server runs as root"
