import pytest

from calzion.build.fetching.failed import from_git
from calzion.build.fetching.gitmodules import join_url, urls_by_path
from calzion.build.fetching.place import Place


def test_urls_by_path():
    listing = (
        b"submodule.a.b.path\nlib/x\0submodule.a.b.url\nhttps://x.org/a\0submodule.c.url\nhttps://x.org/c\0"
        b"core.path\nlib/x\0submodule.a.b.url\nhttps://x.org/last\0submodule.d.path\nlib/d\0"
    )
    assert urls_by_path(listing) == {"lib/x": "https://x.org/last"}


@pytest.mark.parametrize(
    ("url", "joined"),
    [
        ("../b.git", "https://x.org:1/a/b.git"),
        ("./b", "https://x.org:1/a/outer.git/b"),
        ("../../../../b", "https://x.org:1/b"),
        ("https://y.org/c", "https://y.org/c"),
    ],
)
def test_relative_addresses(url, joined):
    assert join_url("https://x.org:1/a/outer.git", url) == joined


@pytest.mark.parametrize(
    ("errors", "away", "reason"),
    [
        ("fatal: unable to access 'https://x/': Could not resolve host: x", True, "it can't be reached"),
        ("fatal: unable to access 'x': The requested URL returned error: 503", True, "it can't be reached"),
        ("fatal: could not read Username for 'https://x'", False, "it is not there, or needs a login"),
        ("fatal: repository 'https://x/' not found", False, "there is no such repository"),
        ("fatal: transport 'http' not allowed", False, "it leads to an address that nothing is fetched from"),
        ("fatal: something else", False, "git says 'fatal: something else'"),
        ("", False, "git failed"),
    ],
)
def test_what_git_says(errors, away, reason):
    failed = from_git(errors)
    assert (failed.away, str(failed)) == (away, reason)


def test_credentials_stay_with_their_host(monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'core.sshcommand=id'")
    place = Place("https://x.org/a.git", "me", "s3cret")
    environment = place.git_environment()
    assert environment["GIT_CONFIG_KEY_0"] == "credential.https://x.org.helper"
    assert "GIT_CONFIG_PARAMETERS" not in environment
    assert environment["GIT_ALLOW_PROTOCOL"] == "https"
    assert "s3cret" not in environment["GIT_CONFIG_VALUE_0"]
    assert place.at("https://x.org/b").password == "s3cret"
    assert place.at("https://x.org:8443/b").password == place.at("http://x.org/b").password == ""
