"""What a client may ask to be run, and is not: everything but git's two services on a repository with a proper name."""

from __future__ import annotations

_LINES = (
    b"id", b"sh", b"bash -i", b"/bin/sh", b"scp -t /", b"sftp", b"rsync --server . /", b"git-shell -c id", b"git",
    b"git push", b"git-upload-archive '/steady.git'", b"git-upload-archive 'steady'", b"git-receive-pack",
    b"git-receive-pack ", b"git-receive-pack steady", b'git-receive-pack "steady"', b"git-receive-pack 'steady' ",
    b" git-receive-pack 'steady'", b"git-receive-pack  'steady'", b"git-receive-pack\t'steady'",
    b"git-receive-pack 'steady'; id", b"git-receive-pack 'steady'\nid", b"git-receive-pack 'steady'&&id",
    b"git-receive-pack 'steady'|id", b"git-receive-pack '$(id)'", b"git-receive-pack '`id`'",
    b"git-receive-pack 'ste'\\''ady'", b"git-receive-pack 'steady'\0", b"git-receive-pack 'ste\0ady'",
    b"git-receive-pack --help", b"git-receive-pack '--help'", b"git-receive-pack --stateless-rpc 'steady'",
    b"git-receive-pack '-x' 'steady'", b"git-upload-pack --timeout=1 'steady'", b"GIT-RECEIVE-PACK 'steady'",
    b"git-receive-pack 'steady'\r\n", b"env X=1 git-receive-pack 'steady'", b"cd /; git-receive-pack 'steady'",
    b"git -c core.sshCommand=id receive-pack 'steady'", b"git --exec-path=/tmp receive-pack 'steady'",
    b"\xff\xfe\xfd", b"\x1b[31mred", b"a" * 1_000, b"git-receive-pack '" + b"a" * 1_000_000 + b"'",
    b"git-receive-pack " + b"'" * 99_999, b"git-receive-pack " + b"\\'" * 10_000,
)  # fmt: skip
_NAMES = (
    b"..", b".", b"", b"/", b"//", b"/.", b"../x", b"../../etc", b"/abs/x", b"a/../../b", b"a/b", b"steady/../steady",
    b"./steady", b"steady/", b"steady/.", b"steady.git/objects", b"steady.git.git", b".git", b".GIT", b"-x", b"-rf",
    b"--",
    b"x-", b"~", b"~root", b"~/steady", b"Steady", b"STEADY", b"steady.GIT", b"steady ", b" steady", b"ste ady",
    b"steady\t", b"steady\r", b"steady\n", b"steady\x00x", b"steady\x7f", b"a" * 64, b"a" * 300, b"a" * 5000,
    "st\u0435ady".encode(), "\uff53teady".encode(), "stead\u00fd".encode(), "\u202esteady".encode(),
    "ste\u200bady".encode(),
    "\u0131d".encode(), b"\xff", b"\xc0\xae\xc0\xae/x", b"%2e%2e/x", b"`id`", b"$(id)", b"${HOME}", b"a;id", b"a|b",
    b"a&b",     b"a*", b"a?", b"[a]", b"a!b", b"a\\b", b"a:b", b"a@b", b"a=b", b"a,b", b"CON", b"_", b"a_b", b"a.b",
)  # fmt: skip
_OTHERS = (b"stead", b"steadyy", b"teady", b"steady-x", b"x-steady", b"s")
"""Prefix, extension and substring of a name that is there: proper names of other repositories."""


def refused() -> list[bytes]:
    services = (b"git-receive-pack", b"git-upload-pack")
    named = [b"%s '%s'" % (service, name) for service in services for name in _NAMES]
    return [*_LINES, *named]


def absent() -> list[bytes]:
    """Lines that may be asked, of repositories that are not there."""
    return [b"git-upload-pack '/%s.git'" % name for name in _OTHERS]
