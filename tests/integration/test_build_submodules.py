"""Commits with submodules: fetched in the sandbox from a real web server, or refused with a sentence."""

from dataclasses import replace

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.source import open_push
from tests.integration.build_site import Cancel, Output, Site
from tests.integration.git_site import GitSite


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    yield site
    site.rest()


@pytest.fixture
def web(tmp_path, monkeypatch):
    web = GitSite(tmp_path / "web")
    monkeypatch.setenv("GIT_SSL_CAINFO", str(web.certificate))
    yield web
    web.close()


def gitmodules(**urls):
    return "".join(f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n' for name, url in urls.items())


@pytest.fixture
def build(site, web):
    opened = []

    def run(settings, links, directory=".", **files):
        app = {"Procfile": "web: x\n", "app/Procfile": "web: y\n", ".gitmodules": settings, **files}
        head = web.commit("super", app, links=links)
        commits = open_push(web.root / "super.git")
        opened.append(commits)
        order = replace(site.order({}), source=commits.tree(head, directory))
        builder, output = site.builder(), Output()
        return builder.build(order, output, Cancel()), output.lines

    yield run
    for commits in opened:
        commits.close()


def test_submodules_are_placed_with_what_they_hold(web, build):
    inner = web.commit("inner", {"inner.txt": "inner"})
    lib = web.commit(
        "lib", {"lib.txt": "lib", ".gitmodules": gitmodules(deep="../inner.git")}, links={"deep": inner}
    )
    web.commit("lib", {"lib.txt": "newer"})
    slug, lines = build(gitmodules(lib=f"{web.url}/lib.git"), {"lib": lib})
    assert (slug.root / "lib/lib.txt").read_text() == "lib"
    assert (slug.root / "lib/deep/inner.txt").read_text() == "inner"
    assert not list(slug.root.rglob(".git"))
    assert lines[0] == "fetching the submodule 'lib'"
    assert lines[1].startswith(f"fetched the submodule 'lib' at {lib[:12]} in ")


def test_the_recorded_commit_decides_the_key(web, build):
    first = web.commit("lib", {"lib.txt": "one"})
    second = web.commit("lib", {"lib.txt": "two"})
    settings = gitmodules(lib=f"{web.url}/lib.git")
    slug, _ = build(settings, {"lib": first})
    other, _ = build(settings, {"lib": second})
    assert ((slug.root / "lib/lib.txt").read_text(), (other.root / "lib/lib.txt").read_text()) == (
        "one",
        "two",
    )
    again, lines = build(settings, {"lib": first})
    assert (again, lines) == (slug, [])


def test_a_service_in_a_directory(web, build):
    lib = web.commit("lib", {"lib.txt": "lib"})
    settings = '[submodule "x"]\npath = app/lib\nurl = ' + f"{web.url}/lib.git\n"
    slug, _ = build(settings, {"app/lib": lib}, directory="app")
    assert (slug.root / "lib/lib.txt").read_text() == "lib"
    assert slug.process_types == (("web", "y"),)


def test_plain_http_will_do_as_the_commit_proves_the_content(web, build):
    lib = web.commit("lib", {"lib.txt": "lib"})
    slug, _ = build(gitmodules(lib=f"{web.plain_url}/lib.git"), {"lib": lib})
    assert (slug.root / "lib/lib.txt").exists()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("git@github.com:a/b.git", "ssh needs a key, and builds have none; use its https:// address"),
        ("ssh://git@github.com/a/b.git", "ssh needs a key"),
        ("../b.git", "its address is relative"),
        ("/etc", "its address is relative"),
        ("file:///etc", "only https:// addresses are fetched"),
        ("ext::sh -c touch% /tmp/x", "this is no address"),
        ("-u./payload", "only https:// addresses are fetched"),
        ("git://example.org/a.git", "only https:// addresses are fetched"),
        ("https://user:s3cret@127.0.0.1:1/x.git", "it can't be reached"),
        ("WEB/none.git", "there is no such repository"),
    ],
)
def test_refusals_name_the_submodule_and_why(web, build, url, reason):
    with pytest.raises(CalzionError) as caught:
        build(gitmodules(lib=url.replace("WEB", web.url)), {"lib": "1" * 40})
    assert caught.value.code == "build"
    assert caught.value.message.startswith(f"web: the submodule 'lib' can't be fetched: {reason}")
    assert "calzion deploy --working-tree" in caught.value.hint
    assert "s3cret" not in str(caught.value.as_dict())


def test_what_no_server_has_and_what_nothing_names(web, build):
    web.commit("lib", {"lib.txt": "lib"})
    with pytest.raises(CalzionError, match="'lib' can't be fetched: it does not have that commit"):
        build(gitmodules(lib=f"{web.url}/lib.git"), {"lib": "1" * 40})
    with pytest.raises(CalzionError, match=r"'lib' can't be fetched: \.gitmodules names no address for it"):
        build("", {"lib": "1" * 40})
    with pytest.raises(CalzionError, match=r"\.gitmodules can't be read"):
        build("[submodule", {"lib": "1" * 40})


def test_an_inner_one_that_can_not_be_fetched_is_named(web, build):
    lib = web.commit(
        "lib", {".gitmodules": gitmodules(deep="git@example.org:x.git")}, links={"deep": "1" * 40}
    )
    with pytest.raises(CalzionError) as caught:
        build(gitmodules(lib=f"{web.url}/lib.git"), {"lib": lib})
    assert caught.value.message == (
        "web: the submodule 'lib/deep' can't be fetched: only https:// addresses are fetched"
    )


def test_ignored_submodules_are_not_fetched(web, build):
    slug, _ = build(
        gitmodules(theme="git@example.org:x.git"), {"docs/theme": "1" * 40}, **{".slugignore": "/docs\n"}
    )
    assert not (slug.root / "docs").exists()


def test_hostile_names_and_settings_do_nothing(web, build, tmp_path):
    lib = web.commit("lib", {"lib.txt": "lib", "hooks/post-checkout": f"#!/bin/sh\ntouch {tmp_path}/owned"})
    victim = tmp_path / "victim"
    victim.write_text("[submodule]\n")
    slug, _ = build(
        f'[submodule "../../hooks"]\n\tpath = lib\n\turl = {web.url}/lib.git\n\tupdate = !touch {tmp_path}/owned\n'
        f"[include]\n\tpath = {victim}\n[core]\n\tfsmonitor = touch {tmp_path}/owned\n"
        '[submodule "up"]\n\tpath = ../up\n\turl = https://example.org/x.git\n',
        {"lib": lib},
    )
    assert (slug.root / "lib/lib.txt").exists()
    assert not (tmp_path / "owned").exists()
