"""Trees that a checkout would be hurt by, and files that are not what their names say."""

from __future__ import annotations

from tests.hostile.pack import WHO, Thing, blob, commit, tree
from tests.hostile.push import (
    DIRECTORY,
    FILE,
    LINK,
    NOWHERE,
    PROCFILE,
    SUBMODULE,
    TEMPLATE,
    Push,
    history,
    replacing,
    within,
)

NOTE = blob(b"x\n")
_BAD_NAMES = {
    "dot": b".", "dot dot": b"..", ".git": b".git", ".GIT": b".GIT", ".gIt": b".gIt", "git~1": b"GIT~1",
    ".git with a joiner": b".g\xe2\x80\x8cit", "a slash": b"a/b", "a way out": b"../../x", "absolute": b"/etc/x",
    "nothing": b"",
}  # fmt: skip


def _named(name: bytes) -> list[Thing]:
    root = tree((FILE, name, NOTE.raw))
    return [NOTE, root, commit(root.raw)]


def _deep(levels: int, name: bytes = b"d") -> list[Thing]:
    """A file in so many directories within each other."""
    inner = tree((FILE, b"x", NOTE.raw))
    around = within(inner, *[name] * levels)
    return [NOTE, inner, *around[:-1], *history((DIRECTORY, b"d", around[-1]))]


def _submodule(url: bytes) -> list[Thing]:
    return _gitlink(b'[submodule "m"]\n\tpath = m\n\turl = %s\n' % url)


def _gitlink(text: bytes) -> list[Thing]:
    listing = [
        (FILE, b".gitmodules", blob(text).raw),
        (FILE, b"Procfile", PROCFILE.raw),
        (SUBMODULE, b"m", NOWHERE),
        (FILE, b"template.yaml", TEMPLATE.raw),
    ]
    root = tree(*listing)
    return [blob(text), PROCFILE, TEMPLATE, root, commit(root.raw)]


def _repeated() -> list[Thing]:
    root = tree((LINK, b"a", NOTE.raw), (DIRECTORY, b"a", tree().raw))
    return [NOTE, tree(), root, commit(root.raw)]


def pushes() -> dict[str, Push]:
    template_link = history((LINK, b"template.yaml", blob(b"/etc/passwd")), template=None)
    procfile = tree((LINK, b"Procfile", blob(b"/etc/passwd").raw), (FILE, b"template.yaml", TEMPLATE.raw))
    return {
        **{f"named {name}": replacing(_named(name_bytes), "ng ") for name, name_bytes in _BAD_NAMES.items()},
        "a name of 256 bytes": replacing(history((FILE, b"x" * 256, NOTE)), "can't be created"),
        "a path beyond the limit": replacing(_deep(9, b"d" * 250), "source-path"),
        "100 levels": replacing(_deep(100), "64 directories"),
        "10,000 levels": replacing(_deep(10_000), "64 directories"),
        "one name twice": replacing(_repeated(), "duplicateEntries"),
        "a tree out of order": replacing(_unordered(), "treeNotSorted"),
        "a symlinked template": replacing(template_link, "no template.yaml"),
        "a symlinked Procfile": replacing(
            [TEMPLATE, blob(b"/etc/passwd"), procfile, commit(procfile.raw)], "Procfile"
        ),
        "a template that is a directory": replacing(
            [NOTE, *history((DIRECTORY, b"template.yaml", tree((FILE, b"x", NOTE.raw))), template=None)],
            "no template.yaml",
        ),
        "a symlinked directory": replacing(
            history((LINK, b"app", blob(b"/etc")), template=blob(b"web: {git: app}\n")),
            "there is no directory app",
        ),
        "a link to nothing": replacing(history((LINK, b"empty", blob(b""))), "points nowhere"),
        "a link with a NUL": replacing(history((LINK, b"nul", blob(b"a\0b"))), "points nowhere"),
        "a submodule of a command": replacing(_submodule(b"ext::sh -c id"), "m"),
        "a submodule of an option": replacing(_submodule(b"-u./payload"), "gitmodulesUrl"),
        "a submodule of a file": replacing(_submodule(b"file:///etc"), "m"),
        "a submodule of this machine": replacing(_submodule(b"http://127.0.0.1:1/x.git"), "m"),
        "a submodule without an address": replacing(_submodule(b""), "m"),
        "a .gitmodules of garbage": replacing(_gitlink(b"[submodule"), ".gitmodules can't be read"),
        "a .gitmodules that includes": replacing(
            [*_submodule(b"https://example.invalid/x\n[include]\n\tpath = /etc/passwd")], "m"
        ),
        "more files than the limit": replacing(_many(), "more than 10000 files", "source-files"),
    }


def historic() -> list[Thing]:
    """What tools of long ago wrote: a padded mode, a right of the group to write, a time zone of six digits."""
    around = tree((FILE, b"x", NOTE.raw))
    listing = [
        (b"100664", b"Procfile", PROCFILE.raw),
        (b"040000", b"old", around.raw),
        (FILE, b"template.yaml", blob(b"web: {git: nowhere}\n").raw),
    ]
    root = tree(*listing)
    made = commit(root.raw, author=WHO.replace(b"+0000", b"+051800"))
    return [NOTE, PROCFILE, blob(b"web: {git: nowhere}\n"), around, root, made]


def _unordered() -> list[Thing]:
    root = tree((FILE, b"b", NOTE.raw), (FILE, b"a", NOTE.raw))
    return [NOTE, root, commit(root.raw)]


def _many() -> list[Thing]:
    hundred = tree(*((FILE, b"%03d" % number, NOTE.raw) for number in range(150)))
    whole = tree(*((DIRECTORY, b"%03d" % number, hundred.raw) for number in range(150)))
    return [NOTE, hundred, *history((DIRECTORY, b"many", whole))]
