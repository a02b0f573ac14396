"""The schema for editors agrees with what Calzion takes, where a schema can tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from calzion.errors import CalzionError
from calzion.template import as_keys, parse_service, parse_template
from calzion.template.schema import template_schema
from calzion.template.shape import HealthcheckShape, SectionsShape, ServiceShape, TaskShape

ROOT = Path(__file__).parents[3]
SCHEMA = template_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
FOUND = sorted(ROOT.glob("examples/*/template.yaml"))

RIGHT = [
    "redis:\nmycompany/postgres:17:\nmy-webapp: {git: .}\n",
    "a: {git: ., env: {A: x, B: 1, C: 1.5, D: true, E: '${F}'}}\nEnv: {F: ''}\nGenerate: {G: , H: {length: 8}}\n",
    "a: {image: x, cmd: [a, 1, true], entrypoint: run, port: 80, volumes: {d: /data}, labels: {a.b/c: 1}}",
    "a: {git: ., ports: {http: assign, admin: 9000}, healthcheck: {path: /x, port: http, interval: 0.5, timeout: 5s}}",
    "a: {git: ., ports: [http, admin], healthcheck: {cmd: [true], grace: 2m}, stop: {signal: INT, timeout: 1h}}",
    "a: {git: web/, ports: [], buildpacks: [node, ./own], build_env: [X], env: {X: y}, processes: [web], release: x y}",
    "a: {git: ., require: [b, t], expose: {b: DB}, overlap: false}\nb: {image: b}\nRun: {t: {service: a, cmd: x}}\n",
    "a: {build: ./docker, privileged: true, healthcheck: /healthz, port: assign}\n",
    "a: {git: ., env: , labels: , volumes: , require: , build_env: , expose: }\nEnv:\nGenerate:\nRun:\nIncludes:\n",
]

WRONG = [
    "",
    "[]",
    "a: x",
    "a: {gti: .}",
    "Servcies: {}\na: {git: .}",
    "a: {git: ., image: x}",
    "a: {image: x, build: .}",
    "a: {git: ., build: .}",
    "a: {git: ., entrypoint: x}",
    "a: {git: ., port: 1, ports: [a]}",
    "a: {image: x, processes: [web]}",
    "a: {image: x, buildpacks: [node]}",
    "a: {image: x, build_env: [A]}",
    "a: {git: ., processes: []}",
    "a: {git: ., buildpacks: []}",
    "a: {git: ., processes: ['we b']}",
    "a: {git: /x}",
    "a: {git: 1}",
    "a: {git: }",
    "a: {git: ., cmd: }",
    "a: {git: ., cmd: []}",
    "a: {git: ., cmd: ' '}",
    "a: {git: ., cmd: {a: b}}",
    "a: {git: ., cmd: [[a]]}",
    "a: {git: ., release: [a]}",
    "a: {git: ., ports: }",
    "a: {git: ., port: 0}",
    "a: {git: ., port: 65536}",
    "a: {git: ., port: '80'}",
    "a: {git: ., port: other}",
    "a: {git: ., ports: {A: 80}}",
    "a: {git: ., ports: {a: }}",
    "a: {git: ., ports: [a_b]}",
    "a: {git: ., env: [A=1]}",
    "a: {git: ., env: {A: }}",
    "a: {git: ., env: {A: [x]}}",
    "a: {git: ., env: {1A: x}}",
    "a: {git: ., volumes: {d: data}}",
    "a: {git: ., volumes: {D: /data}}",
    "a: {git: ., labels: {' ': x}}",
    "a: {git: ., require: a}",
    "a: {git: ., require: [A]}",
    "a: {git: ., expose: {b: 'D B'}}",
    "a: {git: ., build_env: ['1']}",
    "a: {git: ., overlap: maybe}",
    "a: {git: ., privileged: 1}",
    "a: {git: ., healthcheck: x}",
    "a: {git: ., healthcheck: }",
    "a: {git: ., healthcheck: {path: /a b}}",
    "a: {git: ., healthcheck: {path: /, cmd: x}}",
    "a: {git: ., healthcheck: {port: x, cmd: x}}",
    "a: {git: ., healthcheck: {interval: 0}}",
    "a: {git: ., healthcheck: {interval: 1 s}}",
    "a: {git: ., healthcheck: {interval: }}",
    "a: {git: ., healthcheck: {grace: -1}}",
    "a: {git: ., healthcheck: {grace: 100000}}",
    "a: {git: ., healthcheck: {retries: 3}}",
    "a: {git: ., stop: SIGINT}",
    "a: {git: ., stop: {signal: SIGWINCH}}",
    "a: {git: .}\nEnv: x",
    "a: {git: .}\nGenerate: {A: 32}",
    "a: {git: .}\nGenerate: {A: {length: 0}}",
    "a: {git: .}\nGenerate: {A: {size: 1}}",
    "a: {git: .}\nRun: {x: {service: a}}",
    "a: {git: .}\nRun: {x: {service: a, cmd: y, when: z}}",
    "a: {git: .}\nRun: {X: {service: a, cmd: y}}",
    "a: {git: .}\nIncludes: base.yaml",
    "a: {git: .}\nIncludes: [/etc/passwd]",
]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("text", [*RIGHT, *(path.read_text() for path in FOUND)])
def test_both_take_it(text: str) -> None:
    parse_template(text.encode(), secrets=None)
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.parametrize("text", WRONG)
def test_neither_takes_it(text: str) -> None:
    with pytest.raises(CalzionError):
        parse_template(text.encode(), secrets=None, read=lambda _: b"")
    assert not VALIDATOR.is_valid(yaml.safe_load(text))


KEYS = st.sampled_from([*ServiceShape.model_fields, "other"])
VALUES = st.recursive(
    st.sampled_from(["", "x", ".", "/x", "a b", "30s", "${A}", "assign", "web", 0, 1, 80, 0.5, True, None]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["a", "A", "path", "cmd", "signal", "timeout", "x y"]), inner, max_size=2
        ),
    ),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(keys=st.dictionaries(KEYS, VALUES, max_size=3))
def test_what_calzion_takes_the_schema_takes(keys: dict[str, Any]) -> None:
    keys = {"git": ".", **keys}
    try:
        definition = parse_service("a", keys)  # type: ignore[arg-type]
    except CalzionError:
        return
    assert VALIDATOR.is_valid({"a": keys}), keys
    assert VALIDATOR.is_valid({"a": as_keys(definition)})


@pytest.mark.parametrize("shape", [ServiceShape, SectionsShape, HealthcheckShape, TaskShape])
def test_every_key_says_what_it_means(shape: Any) -> None:
    found = SCHEMA if shape is SectionsShape else SCHEMA["$defs"][shape.__name__]
    for name in shape.model_fields:
        assert found["properties"][name]["description"], name
