import pytest
from hypothesis import given
from hypothesis import strategies as st

from calzion.template.address import Address, parse_address, redact


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com/a.git", "https://example.com/a.git"),
        ("HTTPS://Example.com:8443/A.tgz?x=1", "https://example.com:8443/A.tgz?x=1"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_addresses(text, url):
    assert parse_address(text) == Address(url=url)


def test_credentials_are_apart_and_in_no_repr():
    address = parse_address("https://me:p%40ss%3A@example.com/a.git")
    assert (address.url, address.user, address.password) == ("https://example.com/a.git", "me", "p@ss:")
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize("text", ["git@github.com:a/b.git", "ssh://git@github.com/a/b", "git+ssh://x/a"])
def test_ssh_is_said(text):
    with pytest.raises(ValueError, match="ssh needs a key"):
        parse_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ext::sh -c id",
        "file:///etc/passwd",
        "git://example.com/a.git",
        "--upload-pack=id",
        "https://-oProxyCommand=id/a",
        "https://example.com",
        "https:///a",
        "https://exa mple.com/a",
        "https://example.com/a\nb",
        "https://example.com/\x00",
        "https://example.com:99999/a",
        "https://example.com/ä",
        "https://example.com\\@evil.com/a",
        "https://me%0a:x@example.com/a",
        "https://example.com/" + "a" * 2000,
        "transport::https://example.com/a",
    ],
)
def test_hostile_addresses(text):
    with pytest.raises(ValueError):
        parse_address(text)


@given(st.text(max_size=60))
def test_whatever_is_given_an_address_is_plain(text):
    try:
        address = parse_address("https://" + text)
    except ValueError:
        return
    assert address.url.startswith("https://")
    assert address.url.isprintable() and address.url.isascii()
    assert "@" not in address.url.split("/")[2]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fatal: https://me:s3cret@example.com/x: no", "fatal: https://***@example.com/x: no"),
        ("https://token@example.com postgres://u:p@ss@db/x", "https://***@example.com postgres://***@db/x"),
        ("nothing@all ://", "nothing@all ://"),
        ("https://example.com/a@b", "https://example.com/a@b"),
    ],
)
def test_redact(text, shown):
    assert redact(text) == shown
