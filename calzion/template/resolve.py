"""A definition with its references replaced, and checked again: values come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from calzion.errors import CalzionError
from calzion.model import ServiceDefinition, Volume
from calzion.template.healthpath import health_path
from calzion.template.image import ImageReference
from calzion.template.interpolation import interpolate
from calzion.template.problem import Path, Problem
from calzion.template.report import keys_error
from calzion.template.text import sound
from calzion.template.volume import volume_path


def resolve(definition: ServiceDefinition, values: Mapping[str, str]) -> ServiceDefinition:
    """The definition as one deployment runs it; `values` is what each name means to it (see `scope`).

    Raises CalzionError (template) that lists each reference to nothing and each value that does not fit.
    """
    reader = _Reader(values)
    resolved = replace(
        definition,
        image=reader.optional(definition.image, ("image",), _image),
        env=tuple((name, reader.value(text, ("env", name), sound)) for name, text in definition.env),
        volumes=tuple(reader.volumes(definition)),
        healthcheck=replace(
            definition.healthcheck,
            path=reader.optional(definition.healthcheck.path, ("healthcheck", "path"), _literal(health_path)),
        ),
    )
    if reader.problems:
        raise _error(definition, reader.problems)
    return resolved


@dataclass
class _Reader:
    values: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def value(self, text: str, path: Path, check: Callable[[str], str]) -> str:
        try:
            return check(interpolate(text, self.values))
        except (KeyError, ValueError) as error:
            self.problems.append(Problem(sentence=str(error), path=path))
            return text

    def optional(self, text: str | None, path: Path, check: Callable[[str], str]) -> str | None:
        return None if text is None else self.value(text, path, check)

    def volumes(self, definition: ServiceDefinition) -> Iterator[Volume]:
        for volume in definition.volumes:
            path = self.value(volume.path, ("volumes", volume.name), _literal(volume_path))
            yield Volume(name=volume.name, path=path)


def _image(text: str) -> str:
    return str(ImageReference.parse(text))


def _literal(check: Callable[[str], str]) -> Callable[[str], str]:
    """`check` for text in which `${` has no meaning any more."""

    def literal(text: str) -> str:
        check(text.replace("${", "__"))
        return text

    return literal


def _error(definition: ServiceDefinition, problems: list[Problem]) -> CalzionError:
    error = keys_error(f"the definition of {definition.name}", problems)
    error.hint = "Write the name into Env or Generate, or set it with `calzion secrets set DEPLOYMENT NAME`."
    return error
