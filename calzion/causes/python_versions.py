"""Code that was written for another Python than the one that runs it."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts
from calzion.causes.rule import BUILDING, explained, rule


def _by_name(table: dict[str, str]) -> dict[str, str]:
    return {name: version for version, names in table.items() for name in names.split()}


GONE = _by_name(
    {
        "2.7": "urllib2 urlparse httplib ConfigParser StringIO cStringIO cPickle Queue HTMLParser Cookie cookielib"
        " SimpleHTTPServer BaseHTTPServer SocketServer Tkinter commands __builtin__",
        "3.6": "asyncio.async",
        "3.7": "time.clock",
        "3.8": "fractions.gcd base64.encodestring base64.decodestring",
        "3.9": "formatter parser symbol binhex collections.Callable collections.Container collections.Hashable"
        " collections.Iterable collections.Iterator collections.Mapping collections.MutableMapping"
        " collections.MutableSequence collections.MutableSet collections.Sequence collections.Set collections.Sized",
        "3.10": "asyncio.coroutine inspect.getargspec inspect.formatargspec",
        "3.11": "distutils imp asyncore asynchat smtpd ssl.wrap_socket configparser.SafeConfigParser locale.format"
        " pkgutil.ImpImporter",
        "3.12": "aifc audioop cgi cgitb chunk crypt imghdr mailcap msilib nis nntplib ossaudiodev pipes sndhdr spwd"
        " sunau telnetlib uu xdrlib lib2to3 unittest.makeSuite",
    }
)
"""The last Python that had a module of the standard library, or a name in one."""

NEW = _by_name(
    {
        "3.7": "dataclasses contextvars importlib.resources asyncio.run",
        "3.8": "importlib.metadata typing.Protocol typing.TypedDict typing.Literal typing.Final math.prod"
        " functools.cached_property",
        "3.9": "zoneinfo graphlib typing.Annotated functools.cache asyncio.to_thread",
        "3.10": "typing.ParamSpec typing.TypeAlias itertools.pairwise",
        "3.11": "tomllib typing.Self typing.NotRequired typing.Never typing.LiteralString enum.StrEnum datetime.UTC"
        " asyncio.TaskGroup asyncio.timeout",
        "3.12": "typing.override itertools.batched",
    }
)
"""The first Python that has it."""


def older(version: str) -> str:
    return f"write {version} into .python-version to have that Python, or take newer versions of the dependencies"


def newer(version: str) -> str:
    return f"write {version} or later into .python-version to have such a Python"


_PYTHON_2 = (
    "Python 2 is not to be had any more: convert it to Python 3 (2to3 does most of it), then push again"
)


def _standard_name(match: re.Match[str], _facts: Facts) -> Cause | None:
    name = ".".join(part for part in (match["module"], match["name"]) if part)
    first = name.partition(".")[0] if not match["name"] else name
    if name in GONE or first in GONE:
        last = GONE.get(name) or GONE[first]
        hint = _PYTHON_2 if last == "2.7" else older(last)
        return Cause(f"{name} is gone from Python: {last} was the last that had it", hint)
    if name in NEW:
        return Cause(f"{name} needs Python {NEW[name]} or later", newer(NEW[name]))
    return None


def _syntax(pattern: str) -> str:
    return rf"^ +{pattern}.*\n *[\^~ ]+\n *SyntaxError: "


RULES = (
    explained(
        r"ModuleNotFoundError: No module named '(?P<module>[\w.]+)(?P<name>)'", _standard_name, raised=True
    ),
    explained(r"ImportError: No module named '?(?P<module>[\w.]+)(?P<name>)'?$", _standard_name, raised=True),
    explained(
        r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        _standard_name,
        raised=True,
    ),
    explained(
        r"AttributeError: module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'",
        _standard_name,
        raised=True,
    ),
    rule(
        r"TypeError: unsupported operand type\(s\) for \|: '[\w.]+' and '(?:type|NoneType)'",
        "annotations such as 'int | None' need Python 3.10 or later",
        newer("3.10"),
        raised=True,
    ),
    rule(
        r"TypeError: 'type' object is not subscriptable|TypeError: 'ABCMeta' object is not subscriptable",
        "annotations such as 'list[int]' need Python 3.9 or later",
        newer("3.9"),
        raised=True,
    ),
    rule(_syntax(r"match .*:"), "'match' needs Python 3.10 or later", newer("3.10")),
    rule(_syntax(r"except\*"), "'except*' needs Python 3.11 or later", newer("3.11")),
    rule(_syntax(r"type \w+ ="), "'type' statements need Python 3.12 or later", newer("3.12")),
    rule(_syntax(r".*:="), "':=' needs Python 3.8 or later", newer("3.8")),
    rule(
        r"SyntaxError: Missing parentheses in call to '(?:print|exec)'",
        "this is code for Python 2",
        _PYTHON_2,
    ),
    rule(
        _syntax(r"except \w[\w.]*, \w+:"),
        "this is code for Python 2",
        _PYTHON_2,
    ),
    rule(
        r"`(?P<name>\w+)` was removed from the standard library in Python 3\.12",
        "a dependency needs {name}, which is gone from Python since 3.12",
        older("3.11"),
        phases=BUILDING,
    ),
    rule(
        r"interpreter resolved to Python (?P<got>[\d.]+), which is incompatible with the project's Python requirement:"
        r" `(?P<wanted>[^`\n]+)`",
        "the project wants Python {wanted}, and the build has {got}",
        "write a version that fits into .python-version, or widen requires-python in pyproject.toml",
    ),
    rule(
        r"current Python version \((?P<got>[\d.]+)\) does not satisfy (?P<wanted>Python[^\s,]+)",
        "a dependency wants {wanted}, and the build has Python {got}",
        "write a version that fits into .python-version, or choose another version of the dependency",
    ),
    rule(
        r"currently activated Python version (?P<got>[\d.]+) is not supported by the project \((?P<wanted>[^)\n]+)\)",
        "the project wants Python {wanted}, and the build has {got}",
        "write a version that fits into .python-version, or widen 'python' in pyproject.toml",
    ),
    rule(
        r"Package '(?P<package>[^'\n]+)' requires a different Python: (?P<got>[\d.]+) not in '(?P<wanted>[^'\n]+)'",
        "{package} wants Python {wanted}, and the build has {got}",
        "write a version that fits into .python-version",
    ),
    rule(
        r"Ignored the following versions that require a different python version: .*Requires-Python (?P<wanted>[^;\n]+)"
        r"[\s\S]{0,2000}No matching distribution found for (?P<package>\S+)",
        "{package} wants another Python (such as {wanted})",
        "write a version that fits into .python-version, or choose another version of {package}",
    ),
    rule(
        r"^ *error: No interpreter found for (?P<wanted>.+?)(?: in .*)?$",
        "{wanted} is not to be had on this server",
        "write another version into .python-version, or have it installed: 'calzion doctor' says what is there",
    ),
)
