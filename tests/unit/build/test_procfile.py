import pytest

from calzion.build.procfile import parse_procfile
from calzion.errors import CalzionError


def test_types_keep_their_order_and_commands_are_verbatim():
    content = b"# types\nweb: a && b | c; d\n\nworker:celery -A app\nrelease: x # not a comment\n"
    assert parse_procfile(content) == (
        ("web", "a && b | c; d"),
        ("worker", "celery -A app"),
        ("release", "x # not a comment"),
    )


def test_windows_line_ends_a_byte_order_mark_and_a_missing_last_newline():
    assert parse_procfile(b"\xef\xbb\xbfweb: run\r\nworker: work") == (("web", "run"), ("worker", "work"))


def test_an_empty_file_has_no_types():
    assert parse_procfile(b"\n# nothing\n") == ()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"web: a\nno colon here\n", "Procfile:2: 'no colon here' is no 'name: command'"),
        (b"web:\n", "Procfile:1: 'web:' is no 'name: command'"),
        (b"a b: c\n", "Procfile:1: 'a b: c' is no 'name: command'"),
        (b"web: a\n\nweb: b\n", "Procfile:3: 'web' stands already in line 1"),
        (b"web: a\nx: \xff\n", "Procfile:2: this is not UTF-8"),
        (b"web: a\0b\n", "Procfile:1: 'web: a\\x00b' is no 'name: command'"),
    ],
)
def test_bad_lines_are_named_with_their_numbers(content, problem):
    with pytest.raises(CalzionError) as caught:
        parse_procfile(content)
    assert caught.value.code == "build"
    assert caught.value.detail == [problem]


def test_all_bad_lines_are_told_at_once():
    with pytest.raises(CalzionError) as caught:
        parse_procfile(b"one\ntwo\n")
    assert len(caught.value.detail) == 2
