"""Templates that include others: what is merged how, and where mistakes are said to be."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from calzion.errors import CalzionError
from calzion.model import Template
from calzion.template import parse_template

BASE = """\
redis:
web:
  git: .
  env: {LEVEL: info, NAME: base}
  volumes: {files: /files}
  processes: [web, worker]
Env: {TZ: UTC, LANG: C}
Generate: {KEY: }
"""


def parse(text: str, files: Mapping[str, str]) -> Template:
    return parse_template(text.encode(), read=lambda path: files[path].encode() if path in files else None)


def mistakes(text: str, files: Mapping[str, str]) -> list[str]:
    with pytest.raises(CalzionError) as caught:
        parse(text, files)
    return list(caught.value.detail)


def test_the_template_lies_over_what_it_includes() -> None:
    template = parse(
        """
Includes: [deploy/base.yaml]
web:
  env: {LEVEL: debug, KEY: "${KEY}"}
  processes: [web]
api: {git: api}
Env: {LANG: de}
""",
        {"deploy/base.yaml": BASE},
    )
    services = {str(service.name): service for service in template.services}
    assert sorted(services) == ["api", "redis", "web"]
    web = services["web"]
    assert web.git == "." and web.processes == ("web",) and web.volumes[0].path == "/files"
    assert dict(web.env) == {"LEVEL": "debug", "NAME": "base", "KEY": "${KEY}", "TZ": "UTC", "LANG": "de"}
    assert [rule.name for rule in template.generate] == ["KEY"]


def test_included_files_may_include_others() -> None:
    template = parse(
        "Includes: [a.yaml]",
        {"a.yaml": "Includes: [b.yaml]\nweb: {env: {A: a}}", "b.yaml": "web: {git: ., env: {A: b, B: b}}"},
    )
    assert dict(template.services[0].env) == {"A": "a", "B": "b"}


def test_mistakes_are_told_with_their_file() -> None:
    found = mistakes(
        "Includes: [base.yaml]\nweb: {processes: 1}\nteam/redis:",
        {"base.yaml": "redis:\nweb:\n  git: ../x\n  imge: x\n  require: [nothing]"},
    )
    assert [line.split(": ")[0] for line in found] == [
        "template.yaml:2:18",
        "template.yaml:3:1",
        "base.yaml:3:8",
        "base.yaml:4:3",
        "base.yaml:5:13",
    ]
    assert any("'redis' on line 1 of base.yaml is the first" in line for line in found)


@pytest.mark.parametrize(
    ("text", "files", "expected"),
    [
        ("Includes: [x.yaml]", {}, "template.yaml:1:12: there is no file 'x.yaml' in the repository"),
        ("Includes: x.yaml", {}, "template.yaml:1:11: a list is needed here"),
        ("Includes: [../x]", {}, "template.yaml:1:12: '../x' leads out"),
        ("Includes: [/etc/passwd]", {}, "template.yaml:1:12: '/etc/passwd' is absolute"),
        ("Includes: [a, a]", {"a": "web: {git: .}"}, "template.yaml:1:15: 'a' is included already"),
        (
            "Includes: [a]",
            {"a": "Includes: [b]", "b": "Includes: [a]"},
            "b:1:12: templates include each other in a circle: a -> b -> a",
        ),
        ("Includes: [template.yaml]", {}, "template.yaml:1:12: templates include each other in a circle"),
        ("Includes: [a]", {"a": "- 1"}, "a:1:1: a template is a map of services and sections, found a list"),
        ("Includes: [a]", {"a": "web: ["}, "a:1:7: this is not valid YAML"),
        ("Includes: [a]", {"a": "web: {git: .}\nweb: {git: .}"}, "a:2:1: the key 'web' stands twice"),
        (
            f"Includes: [{', '.join(f'f{n}' for n in range(40))}]",
            {f"f{n}": f"web: {{env: {{A: {n}}}}}" for n in range(40)},
            "template.yaml:1:97: more than 20 files are included",
        ),
    ],
)
def test_what_can_not_be_included(text: str, files: Mapping[str, str], expected: str) -> None:
    assert any(line.startswith(expected) for line in mistakes(text, files)), mistakes(text, files)


def test_without_a_repository_nothing_can_be_included() -> None:
    with pytest.raises(CalzionError) as caught:
        parse_template(b"Includes: [a.yaml]\nweb: {git: .}")
    assert "there is no repository to read them from" in caught.value.detail[0]


def test_a_file_that_is_too_large_is_told() -> None:
    def read(path: str) -> bytes:
        raise ValueError("it is larger than 1 MiB")

    with pytest.raises(CalzionError) as caught:
        parse_template(b"Includes: [a.yaml]", read=read)
    assert caught.value.detail == ["template.yaml:1:12: 'a.yaml' can't be read: it is larger than 1 MiB"]
