"""Who may what, and who did what: keys that name too little, and the trail that tells of it."""

from __future__ import annotations

import os
import pwd
import sqlite3

from tests.stories.apps import web
from tests.stories.site import Site


def test_what_nobody_allowed_is_refused_and_told(site: Site) -> None:
    shop = site.repository("shop", web("shop"))
    assert shop.push("shop-staging").status == 0
    key = site.add_key("bob")
    unsaid = site.calzion("keys", "add", "bob", f"{key}.pub")
    assert unsaid.returncode == 2 and "--allow" in unsaid.stderr
    assert site.calzion("keys", "add", "bob", f"{key}.pub", "--allow", "bobs-*").returncode == 0

    # Another's repository: not with a deployment of his own either, for that would let him read it.
    intruder = site.repository("shop", web("bob"), user="bob")
    pushed = intruder.push("bobs-staging")
    assert pushed.status != 0 and "bob's key may not push to the repository shop" in pushed, pushed
    assert "refs/heads" not in pushed.text.replace("refs/heads/bobs-staging", "")
    fetched = intruder.start("fetch", "calzion")
    assert "bob's key may not read shop" in fetched.communicate(timeout=60)[1] and fetched.returncode != 0
    own = site.repository("bobs", web("bob"), user="bob")
    refused = own.push("shop-staging")
    assert refused.status != 0 and "it may push to: bobs-*" in refused, refused
    assert own.push("bobs-staging").status == 0
    assert '"shop"' in site.get("shop-staging")[1]

    told = site.json("audit", "--user", "bob")
    assert [(each["act"], each["outcome"], each["deployment"]) for each in reversed(told)] == [
        ("push", "refused", ""),
        ("fetch", "refused", ""),
        ("push", "refused", "shop-staging"),
        ("deploy", "begun", "bobs-staging"),
        ("deploy", "live", "bobs-staging"),
    ]
    (listed,) = (each for each in site.json("keys", "list") if each["name"] == "bob")
    assert {(each["via"], each["address"], each["key"]) for each in told} == {
        ("ssh", "127.0.0.1", listed["fingerprint"])
    }
    added = next(
        each for each in site.json("audit") if each["act"] == "key added" and each["detail"]["name"] == "bob"
    )
    assert (added["user"], added["via"]) == (pwd.getpwuid(os.getuid()).pw_name, "socket")
    assert added["detail"]["allow"] == ["bobs-*"]


def test_the_trail_says_where_it_was_edited(site: Site) -> None:
    whole = site.calzion("audit", "--verify")
    assert whole.returncode == 0 and "the audit trail is whole" in whole.stdout, whole
    head = whole.stdout.split()[-1]
    destroyed = site.calzion("destroy", "bobs-staging", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    (newest,) = site.json("audit", "-n", "1")
    assert (newest["act"], newest["deployment"]) == ("destroy", "bobs-staging")
    assert site.calzion("audit", "--verify", "--since", head).returncode == 0
    with sqlite3.connect(site.data / "calzion.db") as connection:
        connection.execute("update audit set record = replace(record, 'user', 'User') where number = 3")
    broken = site.calzion("audit", "--verify")
    assert broken.returncode == 1 and "breaks at record 3: it was changed" in broken.stdout, broken
    assert site.json("audit", "-n", "1") == [newest]
