"""Whatever a repository holds, the result is a template, or the error is a sentence."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from calzion.errors import CalzionError
from calzion.scaffold import Checkout, make_scaffold, render
from calzion.template import parse_template

WORDS = st.sampled_from(
    [
        "",
        ".",
        "/app",
        "a:b",
        "data:/data",
        "./x:/y",
        "${A",
        "$A",
        "${A:-b}",
        "$$x",
        "8000:80",
        "web",
        "db",
        "1m30s",
    ]
)
TEXT = st.one_of(WORDS, st.text(max_size=12), st.text(string.printable, max_size=20))
SCALARS = st.one_of(TEXT, st.integers(-9, 99999), st.booleans(), st.none())
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
_KEYS = (
    "image build command entrypoint environment env_file ports expose volumes healthcheck depends_on labels deploy"
    " networks profiles extends stop_signal stop_grace_period tmpfs privileged"
)
KEYS = st.sampled_from(_KEYS.split())
SERVICES = st.dictionaries(
    st.one_of(TEXT, st.just("web")),
    st.one_of(ANY, st.dictionaries(KEYS, ANY, max_size=5).map(lambda keys: {"image": "example/x", **keys})),
    max_size=3,
)
MANIFEST = st.dictionaries(
    st.sampled_from(["env", "addons", "formation", "scripts", "buildpacks", "environments", "x"]),
    ANY,
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(services=SERVICES, manifest=MANIFEST, procfile=st.text(max_size=30), dotenv=st.text(max_size=30))
def test_the_result_is_a_template(services: Any, manifest: Any, procfile: str, dotenv: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "compose.yaml").write_text(json.dumps({"services": services}))
        (root / "app.json").write_text(json.dumps(manifest))
        (root / "Procfile").write_bytes(procfile.encode("utf-8", "surrogatepass"))
        (root / ".env").write_bytes(dotenv.encode("utf-8", "surrogatepass"))
        (root / "package.json").write_text("{}")
        try:
            scaffold = make_scaffold(Checkout(root), "shop")
        except CalzionError as error:
            assert error.code in ("usage", "not_found")
            return
    parse_template(render(scaffold).encode(), secrets=frozenset(scaffold.wanted))


@settings(max_examples=200, deadline=None)
@given(value=st.text(min_size=1, max_size=40))
def test_what_a_variable_holds_is_what_the_template_gives(value: str) -> None:
    if "$" in value or "\0" in value:
        return
    with tempfile.TemporaryDirectory() as directory:
        compose = {"services": {"web": {"image": "example/x", "environment": {"GREETING": value}}}}
        (Path(directory) / "compose.yaml").write_text(json.dumps(compose))
        try:
            scaffold = make_scaffold(Checkout(Path(directory)), "shop")
        except CalzionError:
            return
    template = parse_template(render(scaffold).encode(), secrets=frozenset(scaffold.wanted))
    assert dict(template.services[0].env) in ({"GREETING": value}, {"GREETING": "${GREETING}"})
