from __future__ import annotations

from calzion.controller.troubles import ENGINE, Troubles
from calzion.errors import CalzionError
from calzion.model import DeploymentName

SHOP = DeploymentName("shop")


def test_the_newest_of_each_is_told() -> None:
    troubles = Troubles()
    assert troubles.meet(SHOP, CalzionError("no space is left"))
    assert not troubles.meet(SHOP, CalzionError("no space is left"))
    assert troubles.meet(SHOP, CalzionError("an image is gone", hint="pull it"))
    assert troubles.meet(ENGINE, CalzionError("no container engine answers"))
    assert troubles.sentences() == [
        "no container engine answers",
        "shop can't be kept running: an image is gone (pull it)",
    ]


def test_what_is_over_is_not_told_any_more() -> None:
    troubles = Troubles()
    troubles.meet(SHOP, CalzionError("no space is left"))
    troubles.meet(DeploymentName("old"), CalzionError("no space is left"))
    troubles.keep({SHOP})
    assert len(troubles.sentences()) == 1
    troubles.overcome(SHOP)
    assert not troubles and troubles.sentences() == []
