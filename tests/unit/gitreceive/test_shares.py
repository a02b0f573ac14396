from __future__ import annotations

from dataclasses import replace

import pytest

from calzion.controller.store.keys import UserKey
from calzion.errors import CalzionError
from calzion.gitreceive.shares import Shares

KEY = UserKey(name="bob", fingerprint="", type="", blob="", allow=("bobs-*",), admin=False, added=0.0)
ADMIN = replace(KEY, allow=("*",))
NOBODY = replace(KEY, allow=())
OTHER = replace(KEY, name="eve", allow=("eves-*",))


class Hub:
    """`shop` is alice's, `bobs` has a deployment of bob's; `tagged` holds a tag, and no deployment is of it."""

    def __init__(self) -> None:
        self.deployments = {"shop": ["shop", "shop-staging"], "bobs": ["bobs-x", "shop-y"]}
        self.shares = Shares(lambda name: self.deployments.get(name, []), lambda name: name != "tagged")

    def may(self, service: str, key: UserKey, repository: str) -> bool:
        try:
            getattr(self.shares, f"require_{service}")(key, repository)
        except CalzionError as error:
            assert error.code == "refused" and repository in error.message
            return False
        return True


@pytest.mark.parametrize(
    ("key", "repository", "read", "push"),
    [
        (KEY, "bobs", True, True),
        (KEY, "shop", False, False),
        (KEY, "bob", False, True),
        (KEY, "tagged", False, False),
        (ADMIN, "shop", True, True),
        (ADMIN, "tagged", True, True),
        (NOBODY, "bobs", False, False),
        (NOBODY, "new", False, False),
        (replace(KEY, repositories=("shop",)), "shop", True, True),
        (replace(KEY, repositories=("sho", "shop2")), "shop", False, False),
    ],
)
def test_who_has_a_share(key: UserKey, repository: str, read: bool, push: bool) -> None:
    hub = Hub()
    assert hub.may("read", key, repository) is hub.may("tag", key, repository) is read
    assert hub.may("push", key, repository) is push


def test_of_two_first_pushes_at_once_one_makes_the_repository_its_own() -> None:
    hub = Hub()
    with hub.shares.pushing(KEY, "new", "bobs-new"):
        assert not hub.may("push", OTHER, "new") and hub.may("push", KEY, "new")
        with pytest.raises(CalzionError, match="eve"), hub.shares.pushing(OTHER, "new", "eves-new"):
            pass
    assert hub.may("push", OTHER, "new")
