from __future__ import annotations

import pytest

from calzion.scaffold.listening import is_told, on_port


@pytest.mark.parametrize(
    ("command", "numbers", "expected"),
    [
        ("gunicorn -b 0.0.0.0:8000 app", [8000], "gunicorn -b 0.0.0.0:$PORT app"),
        ("uvicorn app --port 8000 --workers 8", [8000], "uvicorn app --port $PORT --workers 8"),
        ("flask run --port=5000", [80, 5000], "flask run --port=$PORT"),
        ("manage.py runserver [::]:8000", [8000], "manage.py runserver [::]:$PORT"),
        ("serve 18000 8000.5 80001 v8000 -x", [8000], "serve 18000 8000.5 80001 v8000 -x"),
        ("sh -c 'serve 8000'", [8000], "sh -c 'serve 8000'"),
        ("serve", [8000], "serve"),
        ("", [8000], ""),
    ],
)
def test_a_number_gives_way_to_port(command: str, numbers: list[int], expected: str) -> None:
    assert on_port(command, numbers)[0] == expected


def test_what_takes_its_port_from_the_environment() -> None:
    assert is_told("serve -p $PORT") and is_told('serve "${PORT:-80}"')
    assert not is_told("serve $PORTAL")
