from __future__ import annotations

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.refname import ZERO, is_refname
from calzion.gitreceive.request import PushRequest, RefUpdate
from calzion.gitreceive.updates import Deploy, Destroy, Tag, parse_updates
from calzion.model import DeploymentName, RepositoryName

A, B = "a" * 40, "b" * 40


def update(ref: str, old: str = A, new: str = B) -> RefUpdate:
    return RefUpdate(old=old, new=new, ref=ref)


def test_a_branch_names_the_deployment() -> None:
    assert parse_updates([update("refs/heads/myapp-staging", old=ZERO)]) == Deploy(
        deployment=DeploymentName("myapp-staging"), old=ZERO, new=B, ref="refs/heads/myapp-staging"
    )


def test_the_template_can_be_another_file() -> None:
    decided = parse_updates([update("refs/heads/x")], ["template=deploy/t.yaml"])
    assert isinstance(decided, Deploy) and decided.template == "deploy/t.yaml"


def test_tags_are_stored_and_say_how_they_deploy() -> None:
    decided = parse_updates([update("refs/tags/v1.0", old=ZERO)])
    assert isinstance(decided, Tag) and decided.names == ("v1.0",)
    assert "git push calzion v1.0^{commit}:refs/heads/DEPLOYMENT" in decided.message
    assert parse_updates([update("refs/tags/a/b"), update("refs/tags/c")]).names == ("a/b", "c")  # type: ignore[union-attr]


def test_names_of_any_bytes_are_told_as_text() -> None:
    decided = parse_updates([update("refs/tags/\udcff\u202e", old=ZERO)])
    assert isinstance(decided, Tag) and decided.message.isprintable() and decided.message.encode()
    with pytest.raises(CalzionError) as refused:
        parse_updates([update("refs/x/\udcff\u202e")])
    assert refused.value.message.isprintable() and refused.value.message.encode()


@pytest.mark.parametrize(
    ("updates", "says"),
    [
        ([], "moves nothing"),
        ([update("refs/heads/a"), update("refs/heads/b")], "one push deploys to one deployment.*a, b"),
        ([update("refs/heads/a"), update("refs/tags/b")], "together"),
        ([update("refs/heads/Feature")], "the target branch names the deployment.*a-z, 0-9"),
        ([update("refs/heads/feature/x")], "the target branch names the deployment"),
        ([update("refs/tags/x", new=ZERO)], "the tag x can't be deleted by a push"),
        ([update("refs/heads/X", new=ZERO)], "the target branch names the deployment"),
        ([update("refs/for/x")], "only branches"),
        ([update("refs/heads/../../x")], "no ref"),
        ([update("HEAD")], "no ref"),
        ([update("refs/heads/a\x1b[2J")], "no ref"),
        ([update("refs/heads/a", new="b" * 39)], "no ref"),
        ([update("refs/heads/a", old="A" * 40)], "no ref"),
    ],
)
def test_everything_else_is_refused_with_a_sentence(updates: list[RefUpdate], says: str) -> None:
    with pytest.raises(CalzionError, match=says) as refused:
        parse_updates(updates)
    assert str(refused.value).isprintable()


def test_a_deleted_branch_destroys_where_its_name_confirms_it() -> None:
    [deleted] = [update("refs/heads/staging", new=ZERO)]
    name = DeploymentName("staging")
    assert parse_updates([deleted]) == Destroy(deployment=name, old=A, ref=deleted.ref)
    assert parse_updates([deleted], ["destroy=x"]) == Destroy(
        deployment=name, old=A, ref=deleted.ref, confirmation="x"
    )


def test_confirming_a_destruction_goes_with_a_deletion_alone() -> None:
    with pytest.raises(CalzionError, match="goes with the deletion of a branch"):
        parse_updates([update("refs/heads/x")], ["destroy=x"])


def test_where_data_comes_from_and_how_long_it_lives_are_options() -> None:
    decided = parse_updates([update("refs/heads/x")], ["from=myapp-staging", "ttl=3d"])
    assert isinstance(decided, Deploy)
    assert (decided.data_from, decided.ttl) == ("myapp-staging", 3 * 86_400)
    unsaid = parse_updates([update("refs/heads/x")])
    assert isinstance(unsaid, Deploy) and (unsaid.data_from, unsaid.ttl) == ("", None)
    assert parse_updates([update("refs/heads/x")], ["ttl=never"]).ttl == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("new", "options", "says"),
    [
        (ZERO, ["from=a"], "goes with a deploy"),
        (ZERO, ["ttl=3d"], "goes with a deploy"),
        (B, ["from=x"], "its own data"),
        (B, ["from=../x"], "names the deployment whose data is copied"),
        (B, ["ttl=soon"], "no time to live"),
    ],
)
def test_options_for_new_deployments_that_are_refused(new: str, options: list[str], says: str) -> None:
    with pytest.raises(CalzionError, match=says) as caught:
        parse_updates([update("refs/heads/x", new=new)], options)
    assert caught.value.code == "usage"


def test_a_plan_is_asked_for_by_an_option() -> None:
    decided = parse_updates([update("refs/heads/x")], ["plan", "template=t.yaml"])
    assert isinstance(decided, Deploy) and decided.plan and decided.template == "t.yaml"


@pytest.mark.parametrize(
    "option",
    [
        "plan=x",
        "destroy",
        "destroy=",
        "template",
        "template=",
        "template=/etc/x",
        "template=../x",
        "template=a/../b",
        "template=a\x1bb",
    ]
    + ["ci.skip", "template=a//b", "TEMPLATE=x", "template=./x"],
)
def test_unknown_options_and_bad_paths_are_refused(option: str) -> None:
    with pytest.raises(CalzionError, match=r"unknown push option|give the path"):
        parse_updates([update("refs/heads/x")], [option])


@pytest.mark.parametrize(
    ("ref", "good"),
    [
        ("refs/heads/x", True),
        ("refs/tags/v1.0/rc-1", True),
        ("refs/heads/x.lock", False),
        ("refs/heads/.x", False),
        ("refs/heads//x", False),
        ("refs/heads/x/", False),
        ("refs/heads/a..b", False),
        ("refs/heads/a@{1}", False),
        ("refs/heads/a b", False),
        ("heads/x", False),
        ("refs/tags/" + "x" * 300, False),
    ],
)
def test_refnames(ref: str, good: bool) -> None:
    assert is_refname(ref) is good


def test_a_request_survives_its_json_form() -> None:
    request = PushRequest(
        repository=RepositoryName("myapp"),
        path="/p",
        quarantine="/q",
        user="alice",
        fingerprint="SHA256:x",
        updates=(update("refs/heads/x"),),
        options=("a", "b"),
    )
    assert PushRequest.from_dict(request.as_dict()) == request
    with pytest.raises(ValueError):
        PushRequest.from_dict(request.as_dict() | {"repository": "../x"})
