"""Dependencies of Python apps that can't be installed."""

from __future__ import annotations

from calzion.causes.rule import BUILDING, Rule, rule


def _build(pattern: str, sentence: str, hint: str) -> Rule:
    return rule(pattern, sentence, hint, phases=BUILDING)


_SPELLING = "see whether it is spelled right, and whether the server's package index has it"
_LOCK = "run '{command}' where the app is developed, commit the lock file, and push again"
_VERSION = "choose a version that exists, and that this Python and machine can install"

RULES = (
    _build(
        r"Because (?P<package>\S+) was not found in the package registry",
        "the package index has no package {package}",
        _SPELLING,
    ),
    _build(
        r"from versions: none\)\n(?:.*\n)?.*No matching distribution found for (?P<package>\S+)",
        "the package index has no package {package}",
        _SPELLING,
    ),
    _build(r"there is no version of (?P<package>\S+?),? and", "there is no version {package}", _VERSION),
    _build(r"No matching distribution found for (?P<package>\S+)", "there is no version {package}", _VERSION),
    _build(
        r"lockfile at `uv\.lock` needs to be updated",
        "uv.lock does not fit pyproject.toml",
        _LOCK.format(command="uv lock"),
    ),
    _build(
        r"pyproject\.toml changed significantly since poetry\.lock was last generated"
        r"|poetry\.lock is not up to date with pyproject\.toml",
        "poetry.lock does not fit pyproject.toml",
        _LOCK.format(command="poetry lock"),
    ),
    _build(
        r"Your Pipfile\.lock \(\w*\) is out of date",
        "Pipfile.lock does not fit Pipfile",
        _LOCK.format(command="pipenv lock"),
    ),
    _build(
        r"Hash mismatch for `?(?P<package>[^\s`]+)|THESE PACKAGES DO NOT MATCH THE HASHES",
        "what the package index gave does not have the hash that the app asks for",
        "renew the hashes or the lock file; where they were right, ask who runs the package index",
    ),
    _build(
        r"No solution found when resolving|ResolutionImpossible|version solving failed",
        "the dependencies contradict one another: no set of versions fits all of them",
        "loosen one of the versions that the lines above name, and push again",
    ),
    _build(
        r"Couldn't parse requirement in `(?P<file>[^`\n]+)` at position \d+\n(?: *cause: (?P<why>.+))?",
        "{file} has a line that is no requirement: {why}",
        "write one requirement a line, such as 'flask==3.0.0'",
    ),
    _build(
        r"Invalid requirement: '?(?P<line>[^\n]+)",
        "this is no requirement: {line}",
        "write one requirement a line, such as 'flask==3.0.0'",
    ),
    _build(
        r"failed to read from file `(?P<file>[^`\n]+)`: No such file|"
        r"Could not open requirements file: .*No such file or directory: '(?P<other>[^'\n]+)'",
        "a file of requirements is not there: {file}{other}",
        "commit the file that requirements.txt includes, by its path from the app's directory",
    ),
    _build(
        r"error: Distribution not found at: file://(?P<file>\S+)",
        "the requirements name {file}, which is not there",
        "commit it, or name a package with its version instead, such as 'flask==3.0.0'",
    ),
    _build(
        r"Failed to parse: `?pyproject\.toml`?|pyproject\.toml` is not (?:a )?valid|Invalid statement \(at line",
        "pyproject.toml can't be read",
        "correct the line that is named above; 'uv lock --check' tells whether it is right",
    ),
)
