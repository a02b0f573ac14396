"""What a client may ask to be run: the command lines that git sends, and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

from calzion.errors import CalzionError
from calzion.model import RepositoryName

Service = Literal["receive-pack", "upload-pack"]

_EXEC = re.compile(rb"git[- ](receive-pack|upload-pack) '([^'\\!\x00-\x1f\x7f]{1,200})'")
"""git quotes the path in single quotes, and breaks them only for ' and ! (sq_quote_buf in git's quote.c)."""


@dataclass(frozen=True, kw_only=True)
class GitCommand:
    service: Service
    repository: RepositoryName


def parse_exec(line: bytes) -> GitCommand:
    """Read an exec request's command. Raises CalzionError, a sentence for the client, on what is not git."""
    match = _EXEC.fullmatch(line)
    if not match:
        raise CalzionError(
            "this server speaks git alone: push, fetch and clone",
            code="refused",
            hint="for example: git push ssh://git@HOST:PORT/myapp HEAD:refs/heads/myapp-staging",
        )
    path = match[2].decode(errors="replace").removeprefix("/").removesuffix(".git")
    try:
        repository = RepositoryName.parse(path)
    except ValueError as error:
        raise CalzionError(str(error), code="usage") from None
    return GitCommand(service=cast(Service, match[1].decode()), repository=repository)
