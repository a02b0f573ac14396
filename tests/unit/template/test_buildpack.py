import pytest

from calzion.errors import CalzionError
from calzion.template.address import Address
from calzion.template.buildpack import (
    InSource,
    Remote,
    Shipped,
    buildpack_lines,
    parse_buildpacks,
    parse_reference,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("entry", "reference"),
    [
        ("python", Shipped(name="python")),
        ("heroku/nodejs", Shipped(name="node", asked="heroku/nodejs")),
        ("urn:buildpack:heroku/python", Shipped(name="python", asked="urn:buildpack:heroku/python")),
        ("heroku-community/static", Shipped(name="static", asked="heroku-community/static")),
        (
            "https://github.com/heroku/heroku-buildpack-python.git",
            Shipped(name="python", asked="https://github.com/heroku/heroku-buildpack-python.git"),
        ),
        (
            "heroku-community/apt",
            Remote(
                address=Address(url="https://github.com/heroku/heroku-buildpack-apt.git"),
                asked="heroku-community/apt",
            ),
        ),
        (
            "https://github.com/heroku/heroku-buildpack-apt",
            Remote(address=Address(url="https://github.com/heroku/heroku-buildpack-apt.git")),
        ),
        (
            "https://github.com/heroku/heroku-buildpack-python#main",
            Remote(address=Address(url="https://github.com/heroku/heroku-buildpack-python"), ref="main"),
        ),
        ("./tools//pack/", InSource(path="./tools/pack")),
        ("https://x.org/a.git#v1/x", Remote(address=Address(url="https://x.org/a.git"), ref="v1/x")),
        ("https://x.org/a.tar.gz?t=1", Remote(address=Address(url="https://x.org/a.tar.gz?t=1"))),
        (f"http://x.org/a.git#{COMMIT}", Remote(address=Address(url="http://x.org/a.git"), ref=COMMIT)),
    ],
)
def test_references(entry, reference):
    assert parse_reference(entry) == reference


def test_what_is_immutable():
    full, short, branch = (
        parse_reference(f"https://x.org/a.git#{ref}") for ref in (COMMIT, COMMIT[:8], "main")
    )
    assert (full.commit, full.may_be_commit) == (COMMIT, False)
    assert (short.commit, short.may_be_commit) == ("", True)
    assert (branch.commit, branch.may_be_commit) == ("", False)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "ruby",
        "/etc",
        "../up",
        "./a/../../b",
        "./",
        "./a\nb",
        "http://x.org/a.git#main",
        "http://x.org/a.tgz",
        "https://x.org/a.git#",
        "https://x.org/a.git#-x",
        "https://x.org/a.git#a..b",
        "https://x.org/a.git#a b",
        "https://x.org/a.git#v^{}",
        "https://x.org/a.git#+x:refs/heads/y",
        "https://x.org/a.tgz#v1",
        "https://x.org/a?b=.tgz",
        "ext::sh -c id",
        "file:///tmp/x.git",
        "git@github.com:a/b.git",
        "heroku/../x",
    ],
)
def test_no_references(entry):
    with pytest.raises(ValueError):
        parse_reference(entry)


def test_all_problems_are_listed_and_no_password_is():
    entries = ("python", "https://me:s3cr/et@x.org/a b", "https://me:s3cret@x.org/a.git#..", "git@x.org:a")
    with pytest.raises(CalzionError) as caught:
        parse_buildpacks(entries, "buildpacks")
    assert len(caught.value.detail) == 3
    assert "s3cr" not in str(caught.value.as_dict())
    for count in (0, 21):
        with pytest.raises(CalzionError):
            parse_buildpacks(["python"] * count, "buildpacks")


def test_a_buildpacks_file():
    assert buildpack_lines(b"# a\r\n\r\n python \nhttps://x.org/a.git#v1\n") == (
        "python",
        "https://x.org/a.git#v1",
    )
