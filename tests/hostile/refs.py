"""Refs and push options that no push may move or mean anything by."""

from __future__ import annotations

from tests.hostile.client import ZERO
from tests.hostile.packs import GOOD, WHOLE
from tests.hostile.push import CURRENT, Push

HEAD = GOOD[-1].id
_BAD_NAMES = {
    "HEAD": "HEAD",
    "an option": "--exec=id",
    "an option below refs": "refs/heads/--exec=id",
    "notes": "refs/notes/commits",
    "the refs of a review": "refs/for/master",
    "pull requests": "refs/pull/1/head",
    "replacements": "refs/replace/" + "1" * 40,
    "a stash": "refs/stash",
    "a remote": "refs/remotes/origin/x",
    "git's own file": "config",
    "a way out": "refs/heads/../../config",
    "further out": "refs/heads/../../../steady.git/refs/heads/steady",
    "an absolute path": "/etc/passwd",
    "a hook": "refs/heads/../../hooks/pre-receive",
    "nothing": "",
    "a space": "refs/heads/a b",
    "a quote": "refs/heads/a'b",
    "a command": "refs/heads/$(id)",
    "backticks": "refs/heads/`id`",
    "a semicolon": "refs/heads/a;id",
    "a line break": "refs/heads/a\nb",
    "a carriage return": "refs/heads/a\rb",
    "an escape": "refs/heads/\x1b[31mred",
    "a lock": "refs/heads/x.lock",
    "an upper case twin": "refs/heads/Steady",
    "a look-alike": "refs/heads/st\u0435ady",
    "a full-width name": "refs/heads/\uff53teady",
    "a dash in front": "refs/heads/-x",
    "a dot": "refs/heads/.",
    "a directory": "refs/heads/steady/x",
    "300 characters": "refs/heads/" + "x" * 300,
    "100,000 characters": "refs/heads/" + "x" * 60_000,
    "bytes that are no text": "refs/heads/\udcff\udcfe",
    "bytes that are no text, elsewhere": "refs/x/\udcff\udcfe",
    "a name from right to left": "refs/x/\u202e",
}
_BAD_OPTIONS = (
    b"", b"=", b"plan=", b"plan=1", b"template", b"template=", b"template=../x", b"template=/etc/passwd",
    b"template=a/../../b", b"template=-x\x1b[31m", b"template=a\xff", b"template=\xe2\x80\xaex",
    b"from=", b"from=../x", b"from=Steady", b"ttl=", b"ttl=-1", b"ttl=1e999", b"ttl=99999999999d", b"ttl=nan",
    b"destroy=steady", b"destroy=", b"$(id)", b"`id`", b"a;b", b"a|b", b"a&b", b"'", b'"', b"\\", b"--exec=id",
    b"PLAN", b"plan ", b" plan", b"a\tb", b"a\rb", b"a\x1b]0;x\x07", b"\xff\xfe", b"x" * 60_000, b"a\nb", b"a\n.\n",
)  # fmt: skip


def _creating(ref: str, *says: str, options: tuple[bytes, ...] = ()) -> Push:
    return Push(updates=((ZERO, HEAD, ref),), pack=WHOLE, says=says, options=options)


def _several(*refs: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((ZERO, HEAD, ref) for ref in refs)


def pushes() -> dict[str, Push]:
    deleting = ((CURRENT, ZERO, "refs/heads/steady"),)
    many = _several(*(f"refs/heads/ref-{number}" for number in range(10_000)))
    return {
        **{name: _creating(ref) for name, ref in _BAD_NAMES.items()},
        **{
            f"option {option[:20]!r}": _creating("refs/heads/hostile", options=(option,))
            for option in _BAD_OPTIONS
        },
        "1,000 options": _creating("refs/heads/hostile", "push option", options=(b"x",) * 1000),
        "a megabyte of options": _creating(
            "refs/heads/hostile", "too many refs", options=(b"x" * 60_000,) * 20
        ),
        "10,000 refs": Push(updates=many, pack=WHOLE, says=("one deployment",)),
        "20,000 long refs": Push(
            updates=_several(*(f"refs/heads/ref-{number:050}" for number in range(20_000))),
            pack=WHOLE,
            says=("too many refs",),
        ),
        "two deployments": Push(
            updates=_several("refs/heads/a", "refs/heads/b"), pack=WHOLE, says=("one deployment",)
        ),
        "one deployment twice": Push(
            updates=_several("refs/heads/a", "refs/heads/a"), pack=WHOLE, says=("ng ",)
        ),
        "a branch and a tag": Push(
            updates=_several("refs/heads/a", "refs/tags/a"), pack=WHOLE, says=("together",)
        ),
        "a deletion": Push(updates=deleting, says=("destroy=steady",)),
        "a deletion that names another": Push(
            updates=deleting, says=("destroy=steady",), options=(b"destroy=x",)
        ),
        "a deletion of what is not there": Push(
            updates=((HEAD, ZERO, "refs/heads/nothing"),), says=("ng ",), options=(b"destroy=nothing",)
        ),
        "a deletion of everything": Push(
            updates=(*deleting, (HEAD, ZERO, "refs/heads/x")), says=("one deployment",)
        ),
        "an old value that is not so": Push(
            updates=(("1" * 40, HEAD, "refs/heads/steady"),), pack=WHOLE, says=("moved while you waited",)
        ),
        "a creation of what is there": Push(
            updates=((ZERO, HEAD, "refs/heads/steady"),), pack=WHOLE, says=("moved while you waited",)
        ),
        "nothing to nothing": Push(updates=((ZERO, ZERO, "refs/heads/hostile"),), says=()),
        "ids that are none": Push(updates=(("x" * 40, HEAD, "refs/heads/hostile"),), pack=WHOLE, says=()),
        "ids of another length": Push(updates=(("0" * 64, "1" * 64, "refs/heads/hostile"),), says=()),
    }
