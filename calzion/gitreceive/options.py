"""Push options (`git push -o …`): untrusted words, parsed into what they ask for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from calzion.errors import CalzionError
from calzion.lifetime import parse_ttl
from calzion.model import DeploymentName

DEFAULT_TEMPLATE = "template.yaml"
KNOWN = ("template=PATH", "plan", "from=DEPLOYMENT", "ttl=3d", "destroy=DEPLOYMENT")
_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class PushOptions:
    """`plan` asks to look only; `destroy` names the deployment whose branch may be deleted with all it has.

    `data_from` names the deployment whose data a new one is to begin with. `ttl` is how many seconds the deployment may
    live from its release on: 0 for ever, None for what it was given before.
    """

    template: str = DEFAULT_TEMPLATE
    plan: bool = False
    destroy: str = ""
    data_from: str = ""
    ttl: int | None = None


def parse_options(options: Sequence[str]) -> PushOptions:
    """Raises CalzionError (usage) for what is unknown, or can't be what it should be."""
    found = PushOptions()
    for option in options:
        name, equals, value = option.partition("=")
        if name == "template" and equals:
            found = replace(found, template=_path(value))
        elif name == "plan" and not equals:
            found = replace(found, plan=True)
        elif name == "from" and equals:
            found = replace(found, data_from=_deployment(value))
        elif name == "ttl" and equals:
            found = replace(found, ttl=parse_ttl(value))
        elif name == "destroy" and value:
            found = replace(found, destroy=value)
        else:
            raise CalzionError(
                f"unknown push option {option[:_SHOWN]!a}",
                code="usage",
                hint=f"known are: {', '.join(f'-o {each}' for each in KNOWN)}",
            )
    return found


def _deployment(text: str) -> DeploymentName:
    try:
        return DeploymentName.parse(text)
    except ValueError as error:
        raise CalzionError(
            f"-o from names the deployment whose data is copied, but {error}", code="usage"
        ) from None


def _path(text: str) -> str:
    parts = text.split("/")
    inside = not any(part in ("", ".", "..") for part in parts)
    if not inside or not text.isprintable() or len(text) > 1000:
        raise CalzionError(
            f"-o template={text[:_SHOWN]!a}: give the path of a file in the repository, such as "
            "deploy/template.yaml",
            code="usage",
        )
    return text
