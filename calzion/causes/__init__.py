"""Why a build, a release command or a process failed, from what it wrote: tables of common causes. Pure."""

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.find import find_cause
from calzion.causes.report import failed

__all__ = ["Cause", "Facts", "Phase", "failed", "find_cause"]
