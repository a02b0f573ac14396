"""template.yaml -> Template, and the keys of one service -> ServiceDefinition; all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from calzion.model import Pairs, ServiceDefinition, ServiceName, Template
from calzion.template.data import Data, from_json
from calzion.template.document import MAX_BYTES
from calzion.template.naming import interpolated, unfinished_references
from calzion.template.problem import Misfit, Problem
from calzion.template.report import keys_error, template_error


def parse_template(
    text: bytes,
    file: str = "template.yaml",
    *,
    secrets: frozenset[str] | None = frozenset(),
    read: Callable[[str], bytes | None] | None = None,
    outside: bool = False,
    limit: int = MAX_BYTES,
) -> Template:
    """The template in `text`. References may name what is in `secrets` besides what the template defines; with None
    the secrets are not known, and every name may be one of them.

    `read` gives the bytes of a file of the repository by its path from the root, None where there is none; it may
    raise ValueError with a reason. Without it a template can't include others. With `outside`, `git` may lead out of
    the repository, for whoever has those files and uploads them. No file may be larger than `limit` bytes.
    Raises CalzionError (template) whose detail lists every mistake as `FILE:LINE:COLUMN: sentence`.
    """
    from calzion.template.draft import Draft  # loads pydantic, which most processes never need
    from calzion.template.includes import gather
    from calzion.template.values import CLIENT

    gathered = gather(file, text, read, limit)
    draft = Draft(gathered.data, gathered.sources, secrets, CLIENT if outside else None)
    problems = list(gathered.problems)
    if not gathered.unreadable:
        problems += draft.problems()
    if problems:
        raise template_error(file, problems, gathered.sources)
    return draft.template()


def parse_service(name: ServiceName, keys: Mapping[str, object], env: Pairs = ()) -> ServiceDefinition:
    """The definition of one service from JSON data with a service's keys; `env` lies beneath its own.

    Raises CalzionError (template) whose detail lists every mistake as `key.path: sentence`. Whether
    references and requirements name something is not known here.
    """
    from calzion.template.draft import Entry

    subject = f"the definition of {name}"
    try:
        data: Data = from_json(keys)
    except ValueError as error:
        raise keys_error(subject, [Problem(sentence=str(error))]) from None
    entry = Entry.read(str(name), data, ())
    problems = [*entry.problems, *_own_problems(name, entry.keys)]
    problems += unfinished_references(interpolated(entry.keys, ()))
    if problems:
        raise keys_error(subject, problems)
    return entry.definition(dict(env))


def _own_problems(name: ServiceName, keys: Mapping[str, Data]) -> list[Problem]:
    required = keys.get("require")
    if isinstance(required, list) and name in required:
        return [Misfit("a service can't require itself").at(("require", required.index(name)))]
    return []


def parse_sections(keys: Mapping[str, object]) -> Template:
    """A template without services from JSON data with `Env`, `Generate` and `Run`.

    Raises CalzionError (template) as `parse_service` does. Whether the services and requirements of tasks exist is
    not known here.
    """
    from calzion.template.check import check
    from calzion.template.draft import define_sections
    from calzion.template.shape import SectionsShape

    subject = "the release's environment"
    try:
        data: Data = from_json(keys)
    except ValueError as error:
        raise keys_error(subject, [Problem(sentence=str(error))]) from None
    sections, problems = check(SectionsShape, data, ())
    if sections is None:
        raise keys_error(subject, problems)
    return define_sections(sections)
