"""Who a client is: asked for each key that it offers, known by the last that it signed with."""

from __future__ import annotations

import logging

from calzion.errors import CalzionError
from calzion.sshd.controller import Controller, User

_log = logging.getLogger(__name__)


class Login:
    """Of one connection; Paramiko asks about keys that a client only offers, too, and verifies a signature right
    after it has asked: what counts is the last answer before."""

    def __init__(self, controller: Controller, address: str, tries: int) -> None:
        self.user: User | None = None
        self.undecided = False
        self._controller = controller
        self._address = address
        self._left = tries
        self._offered = ""

    def may_try(self, fingerprint: str) -> bool:
        """Whether there is a try left for this key. To offer it and to sign with it then is one."""
        if fingerprint == self._offered:
            self._offered = ""
            return True
        self._offered = fingerprint
        self._left -= 1
        return self._left >= 0

    def judge(self, fingerprint: str) -> bool:
        """Whether the key is anybody's; `user` is whose, and `undecided` says that nobody can tell now."""
        self.user, self.undecided = None, False
        try:
            self.user = self._controller.authorize(fingerprint, address=self._address)
        except CalzionError as error:
            self.undecided = error.code == "unreachable"
            _log.info("%s is refused: %s", fingerprint, error)
        return self.user is not None
