from __future__ import annotations

import pytest

from calzion.scaffold.dotenv import read_dotenv
from calzion.scaffold.suspicion import any_value_will_do, is_secret, url_password


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "x"),
        ("PGPASSWORD", "x"),
        ("db_pass", "x"),
        ("SECRET_KEY", "x"),
        ("SECRET_KEY_BASE", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("GITHUB_TOKEN", "x"),
        ("SENTRY_DSN", "https://x"),
        ("API_KEY", "12345"),
        ("SMTP_CREDENTIALS", "x"),
        ("ANYTHING", "sk_live_abcdef"),
        ("ANYTHING", "ghp_abcdef"),
        ("ANYTHING", "AKIAABCDEFGHIJKLMNOP"),
        ("CERT", "-----BEGIN RSA PRIVATE KEY-----\nx"),
    ],
)
def test_secrets(name: str, value: str) -> None:
    assert is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "1"),
        ("MYSQL_ALLOW_EMPTY_PASSWORD", "yes"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "30"),
        ("PASSWORD_MIN_LENGTH", "8"),
        ("POSTGRES_PASSWORD_FILE", "/run/secrets/x"),
        ("STRIPE_PUBLISHABLE_KEY", "pk"),
        ("TOKEN_URL", "https://x"),
        ("PASSENGER_COUNT", "3"),
        ("MONKEY", "x"),
    ],
)
def test_no_secrets(name: str, value: str) -> None:
    assert not is_secret(name, value)


def test_a_password_in_a_url() -> None:
    found = url_password("amqp://guest:gu:est@mq:5672//")
    assert found is not None
    assert found["password"] == "gu:est"
    assert url_password("redis://redis:6379/0") is None
    assert url_password("https://example.com/a:b@c") is None


def test_what_may_be_generated() -> None:
    assert any_value_will_do("DJANGO_SECRET_KEY")
    assert any_value_will_do("SESSION_SECRET")
    assert not any_value_will_do("AWS_SECRET_ACCESS_KEY")
    assert not any_value_will_do("STRIPE_SECRET_KEY")
    assert not any_value_will_do("CLIENT_SECRET")


def test_dotenv() -> None:
    content = b"""\xef\xbb\xbf# comment
A=1
export B = "two # words" # three
C='it''s'
D=x # y
E=
F
G: yaml
not a line
H=a#b
"""
    assert read_dotenv(content) == {
        "A": "1",
        "B": "two # words",
        "C": "it",
        "D": "x",
        "E": "",
        "F": "",
        "G": "yaml",
        "H": "a#b",
    }
