"""Python programs that break while they start."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts
from calzion.causes.rule import RUNNING, explained, rule, tidy

PACKAGES = {
    "PIL": "Pillow",
    "cv2": "opencv-python-headless",
    "yaml": "PyYAML",
    "dotenv": "python-dotenv",
    "MySQLdb": "mysqlclient",
    "bs4": "beautifulsoup4",
    "sklearn": "scikit-learn",
    "jwt": "PyJWT",
    "dateutil": "python-dateutil",
    "psycopg2": "psycopg2-binary",
    "environ": "django-environ",
    "decouple": "python-decouple",
    "rest_framework": "djangorestframework",
    "corsheaders": "django-cors-headers",
    "debug_toolbar": "django-debug-toolbar",
    "storages": "django-storages",
    "Crypto": "pycryptodome",
    "flask_sqlalchemy": "Flask-SQLAlchemy",
    "flask_migrate": "Flask-Migrate",
    "pkg_resources": "'setuptools<81'",
}
"""Modules, and the packages of another name that have them."""

_OWN = "see that it is committed, and that 'git:' of {service} and the Procfile name its directory"


def _module(match: re.Match[str], facts: Facts) -> Cause:
    name = tidy(match["name"])
    package = PACKAGES.get(name.partition(".")[0], name.partition(".")[0])
    return Cause(
        f"the Python module {name} is not there",
        f"add {package} to requirements.txt (or to pyproject.toml, and lock it); a module of the app itself must be"
        f" committed, below the directory that 'git:' of {facts.service} names",
    )


_IMPORT_FRAMES = (
    r"in import_app\n"
    r"(?: {4}(?! *File \")[^\n]*\n| +File \"(?:<frozen importlib[\w.]*>|[^\"<\n]*/importlib/__init__\.py)\"[^\n]*\n)*"
)
"""gunicorn's import, with nothing of the app below it."""


RULES = (
    rule(
        _IMPORT_FRAMES + r"ModuleNotFoundError: No module named '(?P<name>[\w.]+)'",
        "gunicorn finds no module {name!r} to serve",
        "name the app in the Procfile as MODULE:VARIABLE from its directory (myapp/wsgi.py: 'gunicorn myapp.wsgi'); "
        + _OWN,
        raised=True,
    ),
    explained(r"ModuleNotFoundError: No module named '(?P<name>[\w.]+)'", _module, raised=True),
    explained(r"^ImportError: No module named '?(?P<name>[\w.]+)'?$", _module, raised=True),
    rule(
        r"ImproperlyConfigured: Error loading (?P<name>\w+) module",
        "the database driver {name} is not there",
        "add it to requirements.txt: psycopg2-binary for psycopg2 and psycopg, mysqlclient for MySQLdb",
        raised=True,
    ),
    rule(
        r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'"
        r" \((?P<file>/app/(?!\.calzion/)[^)\n]+)\)",
        "{module} has no {name!r}",
        "see whether the name is spelled right, and that {file} is committed as it should be",
        raised=True,
    ),
    rule(
        r"ImportError: cannot import name '(?P<name>\w+)' from '(?P<module>[\w.]+)'",
        "{module} has no {name!r}: its version does not fit this code",
        "pin the version of {module} that the code was written for, or adapt the code",
        raised=True,
    ),
    rule(
        r"NoSuchModuleError: Can't load plugin: sqlalchemy\.dialects:postgres$",
        "SQLAlchemy takes no address that begins with postgres://",
        "rewrite it in the code: os.environ['DATABASE_URL'].replace('postgres://', 'postgresql://', 1)",
        raised=True,
    ),
    rule(
        r"Failed to find attribute '(?P<name>[^'\n]+)' in '(?P<module>[^'\n]+)'",
        "the module {module} has no {name!r} to serve",
        "name the app in the Procfile as MODULE:VARIABLE, such as 'gunicorn {module}:app'",
    ),
    rule(
        r"Failed to parse '(?P<name>[^'\n]+)' as an attribute name or function call",
        "{name!r} can't name an app for gunicorn",
        "name the app in the Procfile as MODULE:VARIABLE or 'MODULE:function()', with the quotes of a shell",
    ),
    rule(
        r"Error loading ASGI app\. Could not import module \"(?P<module>[^\"\n]+)\"",
        "uvicorn finds no module {module!r} to serve",
        "name the app in the Procfile as MODULE:VARIABLE from its directory, such as 'uvicorn main:app'; "
        + _OWN,
    ),
    rule(
        r"Error loading ASGI app\. Attribute \"(?P<name>[^\"\n]+)\" not found in module \"(?P<module>[^\"\n]+)\"",
        "the module {module} has no {name!r} to serve",
        "name the app in the Procfile as MODULE:VARIABLE, such as 'uvicorn {module}:app'",
    ),
    rule(
        r"^Error: (?:Could not locate a Flask application|Failed to find Flask application or factory).*",
        "flask finds no application to serve",
        "set FLASK_APP under 'env:' of {service}, or serve with 'gunicorn -b :$PORT MODULE:VARIABLE'",
        phases=RUNNING,
    ),
    rule(
        r"^ *File \"(?P<file>[^\"\n]+)\", line (?P<line>\d+)\n.*\n"
        r"(?:.*\n)? *(?:IndentationError|TabError): (?P<why>.+)",
        "{file} can't be read by Python: line {line}: {why}",
        "correct that line, and run 'python -m compileall .' before the next push",
    ),
    rule(
        r"^ *File \"(?P<file>[^\"\n]+)\", line (?P<line>\d+)\n.*\n(?:[ ^~]*\n)? *SyntaxError: (?P<why>.+)",
        "{file} can't be read by Python: line {line}: {why}",
        "correct that line; where it is right for another Python, write that version into .python-version",
    ),
    rule(
        r"WORKER TIMEOUT \(pid:",
        "a gunicorn worker did nothing for longer than gunicorn's --timeout and was ended",
        "do less while the app is imported or a request is answered, or raise it: 'gunicorn --timeout 120 ...'",
        phases=RUNNING,
    ),
)
