"""Registries that do not give the images that a Dockerfile begins from."""

from __future__ import annotations

from calzion.causes.rule import BUILDING, rule

_WORDS = (
    "the registry {host} wants other credentials for an image in the Dockerfile, or has no such image",
    "see whether the image's name is right, and let the server's administrator run:"
    " calzion registries add {host} --user NAME",
)

RULES = (
    rule(
        r"(?:Head|Get) \"?https?://(?P<host>[^/\s\"]+)/v2/\S*: ?(?:no basic auth credentials|unauthorized|denied)",
        *_WORDS,
        phases=BUILDING,
    ),
    rule(
        r"pulling from host (?P<host>\S+) failed with status code [^\n]*\b40[13]\b",
        *_WORDS,
        phases=BUILDING,
    ),
    rule(
        r"HEAD request to https?://(?P<host>[^/\s]+)/v2/\S+: 40[13]\b",
        *_WORDS,
        phases=BUILDING,
    ),
)
