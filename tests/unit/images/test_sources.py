"""This machine's mirrors, as images can use them."""

import pytest

from calzion.images.sources import host_sources

DEBIAN = """\
Types: deb deb-src
# a note
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main
"""
THIRD = """\
Types: deb
URIs: http://packages.example
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/example.gpg
"""
LINES = """\
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/debian bookworm main # x
# deb http://commented.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://user:password@private.example/debian bookworm main
deb https://secure.example/debian bookworm main
deb [signed-by=/etc/apt/keyrings/tool.gpg] http://tool.example/debian bookworm main
deb http://mirror.example/debian bookworm-backports main
deb http://mirror.example/debian
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "etc/apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    return tmp_path


def test_both_forms_are_read_and_third_parties_left_out(root):
    places = root / "etc/apt/sources.list.d"
    (places / "debian.sources").write_text(DEBIAN)
    (places / "third.sources").write_text(THIRD)
    (root / "etc/apt/sources.list").write_text(LINES)
    assert host_sources(root).splitlines() == [
        "deb http://mirror.example/debian bookworm main",
        "deb http://mirror.example/debian bookworm-updates main",
        "deb http://mirror.example/security bookworm-security main",
    ]


def test_another_system_has_none(root):
    (root / "etc/apt/sources.list").write_text(LINES)
    (root / "etc/os-release").write_text("ID=debian\nVERSION_CODENAME=trixie\n")
    assert host_sources(root) == ""


def test_nothing_there(tmp_path):
    assert host_sources(tmp_path) == ""
