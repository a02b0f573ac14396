"""Environment variables that a program needs and does not have."""

from __future__ import annotations

import re

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import RUNNING, explained, rule, tidy

GIVEN = {
    "DATABASE_URL": "postgres",
    "POSTGRES_URL": "postgres",
    "REDIS_URL": "redis",
}
"""Variables that a deployment with this service has."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _missing(match: re.Match[str], facts: Facts) -> Cause | None:
    return missing([match["name"]], facts)


def _several(match: re.Match[str], facts: Facts) -> Cause | None:
    """Names stand at the beginning of the lines of the group `names`, in capitals or as fields of a class."""
    lines = match["names"].splitlines()
    found = [_NAME.match(line.strip()) for line in lines if not line.lstrip().startswith(("Field", "For "))]
    return missing([each[0].upper() for each in found if each], facts)


def missing(names: list[str], facts: Facts) -> Cause | None:
    """None where the process had all of them: then what it says is about something else."""
    wanted = [tidy(name) for name in dict.fromkeys(names) if name not in facts.variables]
    if not wanted:
        return None
    if len(wanted) == 1:
        return Cause(f"the environment variable {wanted[0]} is not set", _hint(wanted[0], facts))
    return Cause(
        f"the environment variables {', '.join(wanted[:-1])} and {wanted[-1]} are not set",
        _hint(wanted[0], facts),
    )


def _hint(name: str, facts: Facts) -> str:
    if facts.phase is Phase.BUILD:
        return _hint_of_build(name, facts)
    if name in GIVEN:
        return (
            f"add 'mycompany/{GIVEN[name]}:' to template.yaml and {name} is given,"
            f" or set {name} under 'env:' of {facts.service}"
        )
    return (
        f"set {name} under 'env:' of {facts.service} in template.yaml; a secret with"
        f" 'calzion secrets set {facts.deployment} {name}' and 'env: {{{name}: ${{{name}}}}}'"
    )


def _hint_of_build(name: str, facts: Facts) -> str:
    without = "let the build do without it" + (
        " (collectstatic: DISABLE_COLLECTSTATIC)" if "collectstatic" in facts.text else ""
    )
    if name in GIVEN:
        return f"a build has no services beside it, so {name} is given to processes alone: {without}"
    return (
        f"a build sees the literal values of 'env:' alone: give {facts.service} {name} there, and list it under"
        f" 'build_env:' where the value is no literal; or {without}"
    )


_DJANGO_SECRET = "the Django setting SECRET_KEY is empty"

RULES = (
    explained(
        r"""File "[^"\n]*\bos(?:\.py|>)", line \d+, in __getitem__\n(?:.*\n){0,3}KeyError: '(?P<name>\w+)'$""",
        _missing,
        raised=True,
    ),
    explained(r"ImproperlyConfigured: Set the (?P<name>\w+) environment variable", _missing, raised=True),
    rule(
        r"ImproperlyConfigured: The SECRET_KEY setting must not be empty",
        _DJANGO_SECRET,
        "give the variable that settings.py reads it from a value: 'Generate: {{SECRET_KEY: {{length: 50}}}}' in"
        " template.yaml makes one, and 'env: {{SECRET_KEY: ${{SECRET_KEY}}}}' hands it to {service}",
        raised=True,
        phases=RUNNING,
    ),
    rule(
        r"ImproperlyConfigured: The SECRET_KEY setting must not be empty",
        _DJANGO_SECRET,
        "let settings.py have a value of its own where the variable is missing, as it is while an app is built",
        raised=True,
    ),
    explained(r'EnvNotSetError: Environment variable "(?P<name>\w+)" not set', _missing, raised=True),
    explained(r'EnvError: Environment variable "(?P<name>\w+)" not set', _missing, raised=True),
    rule(
        r'Env\w*Error: Environment variable "(?P<name>\w+)" invalid: (?P<why>.+)',
        "the environment variable {name} has a value that the app refuses: {why}",
        'correct it under \'env:\' of {service}; in YAML put quotes around values such as "yes" and "1.0"',
        raised=True,
    ),
    explained(r"UndefinedValueError: (?P<name>\w+) not found", _missing, raised=True),
    explained(
        r"ValidationErrors? ?: \d+ validation errors? for \w*(?:Settings|Config|Env)\w*\n"
        r"(?P<names>(?:[\w.]+\n +[Ff]ield required.*\n(?: +For further.*\n)?)+)",
        _several,
        raised=True,
    ),
    explained(
        r"""\bos\.(?:environ\.get|getenv)\( *["'](?P<name>\w+)["'] *\).*\n"""
        r"(?:[ ~^]+\n)?TypeError: \w+\(\) argument must be",
        _missing,
        raised=True,
    ),
    explained(r"^\S*: line \d+: (?P<name>[A-Za-z_]\w*): unbound variable$", _missing),
    explained(r"^\S*: line \d+: (?P<name>[A-Za-z_]\w*): parameter (?:null or )?not set$", _missing),
    explained(r"^\S+: line \d+: (?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+): (?!command not found)\S.*$", _missing),
    explained(r"^(?:\S*: )?(?P<name>[A-Z][A-Z0-9_]+): parameter not set(?: or null)?$", _missing),
    explained(r'env-var: "(?P<name>\w+)" is a required variable, but it was not set', _missing),
    explained(r"^ ?Missing environment variables:\n(?P<names>(?: +\w+: .*\n)+)", _several),
    explained(
        r'"path": \[\s*"(?P<name>[A-Z][A-Z0-9_]+)"\s*\],\s*'
        r'"message": "(?:Required|Invalid input: expected \w+, received undefined)"',
        _missing,
    ),
    explained(r"Environment variable not found: (?P<name>\w+)", _missing),
    explained(r"""key not found: "(?P<name>[A-Z][A-Z0-9_]+)" \(KeyError\)""", _missing),
    explained(
        r"(?:Error|error|ERROR)\b.{0,40}?:.{0,40}?\b(?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b"
        r" (?:environment variable )?(?:is|was|must be) (?:required|missing|not set|undefined|not defined|set)\b",
        _missing,
    ),
    explained(
        r"(?i:(?:missing|required|need|set|undefined)\b.{0,20}? env(?:ironment)?(?: variables?|):?) ['\"`]?"
        r"(?P<name>[A-Z][A-Z0-9]*_[A-Z0-9_]+)\b",
        _missing,
    ),
    explained(
        r"(?i:env(?:ironment)? variable) ['\"`]?(?P<name>[A-Z][A-Z0-9_]+)['\"`]?"
        r" (?:is |was |must be )?(?:required|missing|not set|undefined|not defined|set)\b",
        _missing,
    ),
)
