import pytest

from calzion.build.release import parse_release
from calzion.errors import CalzionError


def test_types_and_config_vars():
    release = parse_release(
        b"---\nconfig_vars:\n  WORKERS: 3\ndefault_process_types:\n  web: npm start\naddons: []\n"
    )
    assert release.process_types == (("web", "npm start"),)
    assert release.config_vars == (("WORKERS", "3"),)


@pytest.mark.parametrize("content", [b"", b"\n", b"--- {}\n", b"default_process_types:\n"])
def test_nothing_is_an_empty_release(content):
    assert parse_release(content).process_types == ()


@pytest.mark.parametrize(
    "content",
    [b"[1, 2]", b"a: [", b"default_process_types: [web]", b"default_process_types: {web: [a]}", b"\xff",
     b"[" * 20000, b"config_vars: {1: a}", b"!!python/object/apply:os.system [x]"],
)  # fmt: skip
def test_what_no_buildpack_may_say(content):
    with pytest.raises(CalzionError, match="bin/release"):
        parse_release(content)
