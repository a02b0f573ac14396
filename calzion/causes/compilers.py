"""Dependencies that are compiled during the build, and what they lack for it."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts
from calzion.causes.rule import BUILDING, Explain, explained, rule, tidy

HEADERS = {
    "Python.h": "python3-dev",
    "libpq-fe.h": "libpq-dev",
    "pg_config": "libpq-dev",
    "mysql.h": "default-libmysqlclient-dev",
    "mysql_config": "default-libmysqlclient-dev",
    "ffi.h": "libffi-dev",
    "jpeglib.h": "libjpeg-dev",
    "jpeg": "libjpeg-dev",
    "zlib.h": "zlib1g-dev",
    "zlib": "zlib1g-dev",
    "bzlib.h": "libbz2-dev",
    "png.h": "libpng-dev",
    "ft2build.h": "libfreetype-dev",
    "lber.h": "libldap2-dev",
    "ldap.h": "libldap2-dev",
    "sasl.h": "libsasl2-dev",
    "sql.h": "unixodbc-dev",
    "curl.h": "libcurl4-openssl-dev",
    "curl-config": "libcurl4-openssl-dev",
    "portaudio.h": "portaudio19-dev",
    "sqlite3.h": "libsqlite3-dev",
    "geos_c.h": "libgeos-dev",
    "geos-config": "libgeos-dev",
    "gdal-config": "libgdal-dev",
    "yaml.h": "libyaml-dev",
    "gmp.h": "libgmp-dev",
    "magic.h": "libmagic-dev",
    "xmlversion.h": "libxml2-dev",
    "xslt.h": "libxslt1-dev",
    "xml2-config": "libxml2-dev",
    "xslt-config": "libxslt1-dev",
    "krb5-config": "libkrb5-dev",
    "cairo": "libcairo2-dev",
    "pixman-1": "libpixman-1-dev",
    "pangocairo": "libpango1.0-dev",
    "rdkafka.h": "librdkafka-dev",
    "snappy-c.h": "libsnappy-dev",
    "swig": "swig",
    "cmake": "cmake",
    "pkg-config": "pkg-config",
}
"""What compiling looks for, and Debian's package that has it."""

READY_MADE = {
    "libpq-dev": "psycopg2-binary (instead of psycopg2) is ready-made",
    "libjpeg-dev": "a newer Pillow is ready-made",
    "python3-dev": "a newer version of the dependency may be ready-made for this Python",
}


def lacks(thing: str, facts: Facts) -> Cause:
    """A header or a helper program of a system's package."""
    package = "libssl-dev" if thing.startswith("openssl/") else HEADERS.get(thing.rsplit("/", 1)[-1], "")
    wanted = package or f"the system's package that has {thing}"
    ready = f"{READY_MADE[package]}; else " if package in READY_MADE else ""
    return Cause(
        f"a dependency is compiled here, and {thing} is not there",
        f"{ready}have {wanted} installed on the server, or name it in an Aptfile and put an apt buildpack in front"
        f" of the others in 'buildpacks:' of {facts.service}",
    )


def _lacks(match: re.Match[str], facts: Facts) -> Cause:
    return lacks(tidy(match["thing"]), facts)


def _lacks_always(thing: str) -> Explain:
    return lambda _match, facts: lacks(thing, facts)


_COMPILER = "a dependency is compiled here, and there is no {} compiler"
_INSTALL = (
    "a newer version of it may be ready-made for this machine; else have {package} installed on the server, or name it"
    " in an Aptfile and put an apt buildpack in front of the others in 'buildpacks:' of {{service}}"
)
_C = _COMPILER.format("C"), _INSTALL.format(package="build-essential")
_RUST = _COMPILER.format("Rust"), _INSTALL.format(package="cargo")

RULES = (
    explained(
        r"pg_config executable not found|(?P<thing>pg_config) is required",
        _lacks_always("pg_config"),
        phases=BUILDING,
    ),
    explained(r"fatal error: (?P<thing>[\w./+-]+\.h(?:pp)?): No such file", _lacks, phases=BUILDING),
    explained(
        r"(?:mysql_config: not found|mysqlclient[\s\S]{0,4000}Can ?not find valid pkg-config name)",
        _lacks_always("mysql_config"),
        phases=BUILDING,
    ),
    explained(
        r"\b(?P<thing>\w{1,40})_config: (?:command )?not found",
        lambda match, facts: lacks(match["thing"] + "_config", facts),
        phases=BUILDING,
    ),
    explained(r"Could not run (?P<thing>[\w-]+-config)\b", _lacks, phases=BUILDING),
    explained(r"command '(?P<thing>swig|cmake)' failed: No such file", _lacks, phases=BUILDING),
    explained(
        r"^ *(?:Package|No package) '?(?P<thing>[\w.+-]+)'?(?: was not found in the pkg-config search path| found)",
        _lacks,
        phases=BUILDING,
    ),
    rule(
        r"^find Python .*(?:could not be run|You need to install)|Could not find any Python installation to use",
        "a dependency is compiled here by node-gyp, and there is no Python for it",
        _INSTALL.format(package="python3, make and g++"),
        phases=BUILDING,
    ),
    rule(
        r"(?:Error: )?not found: make\b|make: (?:command )?not found|spawn make ENOENT",
        "a dependency is compiled here, and there is no 'make'",
        _INSTALL.format(package="build-essential"),
        phases=BUILDING,
    ),
    rule(
        r"No such file or directory: '(?:gcc|cc|g\+\+|c\+\+|x86_64-linux-gnu-g(?:cc|\+\+)|clang)'"
        r"|command '?(?:gcc|cc|g\+\+|x86_64-linux-gnu-g(?:cc|\+\+))'? failed: No such file"
        r"|unable to execute '?(?:gcc|cc|g\+\+|x86_64-linux-gnu-g(?:cc|\+\+))"
        r"|^(?:make: |\S*sh: .*)(?:gcc|cc|g\+\+|c\+\+): (?:No such file|(?:command )?not found)"
        r"|[Yy]ou need a C compiler|no acceptable C compiler found",
        *_C,
        phases=BUILDING,
    ),
    explained(
        r"make sure the (?P<thing>libxml2 and libxslt) development packages are installed|"
        r"Could not find function xmlCheckVersion",
        _lacks_always("xml2-config"),
        phases=BUILDING,
    ),
    explained(
        r"The headers or library files could not be found for (?P<thing>[\w-]+)", _lacks, phases=BUILDING
    ),
    rule(
        r"can't find Rust compiler|Rust toolchain|linker `cc` not found"
        r"|cargo, the Rust package manager, is not installed"
        r"|rustc: (?:command )?not found|cargo: (?:command )?not found",
        *_RUST,
        phases=BUILDING,
    ),
    rule(
        r"error in (?P<package>\S+) setup command: use_2to3 is invalid",
        "{package} was written for Python 2",
        "take a newer version of it, or another package",
        phases=BUILDING,
    ),
    rule(
        r"Failed to build `(?P<package>[^`\n]+)`|Failed building wheel for (?P<other>\S+)"
        r"|Could not build wheels for (?P<third>[\w.-]+)",
        "{package}{other}{third} has no ready-made package for this Python and could not be built here",
        "take a newer version of it, or write an older Python into .python-version, for which it was made",
        phases=BUILDING,
    ),
)
