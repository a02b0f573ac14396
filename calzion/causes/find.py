"""The most likely cause of a failure."""

from __future__ import annotations

from calzion.causes import (
    buildpacks,
    commands,
    compilers,
    databases,
    django,
    endings,
    machine,
    node_code,
    node_packages,
    ports,
    python_code,
    python_packages,
    python_versions,
    registries,
    variables,
)
from calzion.causes.cause import Cause
from calzion.causes.facts import Facts

_FIRST = (machine.out_of_memory, ports.enclosed, ports.elsewhere, buildpacks.own_words)
_RULES = (
    *variables.RULES,
    *compilers.RULES[:-1],
    *python_versions.RULES,
    *node_packages.RULES,
    *django.RULES,
    *databases.RULES,
    *registries.RULES,
    *machine.RULES,
    *ports.RULES,
    *python_packages.RULES,
    *node_code.RULES,
    *python_code.RULES,
    *commands.RULES,
    *compilers.RULES[-1:],
)
"""The most specific first."""
_LAST = (endings.ended, endings.unhealthy, endings.silent)


def find_cause(facts: Facts) -> Cause | None:
    """None where nothing is known that would be more than a guess. Total: takes any lines."""
    for look in _FIRST:
        if cause := look(facts):
            return cause
    for rule in _RULES:
        if cause := rule.apply(facts):
            return cause
    for look in _LAST:
        if cause := look(facts):
            return cause
    return None
