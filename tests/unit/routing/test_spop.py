from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calzion.routing.spop import (
    ACK,
    HELLO,
    NOTIFY,
    Frame,
    _number,
    _Reader,
    acknowledge,
    agent_hello,
    arguments,
    health_check,
)

QUESTION = b"\x06verify\x02\x06domain\x08\x0bn:auth.test\rauthorization\x08\nBasic YTpi"
GREETING = b"\x12supported-versions\x08\x032.0\x0emax-frame-size\x03\xfc\xf0\x06\x0ccapabilities\x08\x05async"


@given(st.integers(0, 1 << 62))
def test_numbers(number: int) -> None:
    assert _Reader(_number(number)).number() == number


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, b"\0"), (239, b"\xef"), (240, b"\xf0\0"), (2287, b"\xff\x7f"), (2288, b"\xf0\x80\0")],
)
def test_numbers_are_encoded_as_the_protocol_says(number: int, encoded: bytes) -> None:
    assert _number(number) == encoded


def test_a_question_and_its_answer() -> None:
    asked = Frame(kind=NOTIFY, stream=300, number=2, payload=QUESTION)
    assert Frame.decode(asked.encode()[4:]) == asked
    assert arguments(asked) == {"domain": "n:auth.test", "authorization": "Basic YTpi"}
    answer = acknowledge(asked, {"open": True})
    assert (answer.kind, answer.stream, answer.number) == (ACK, 300, 2)
    assert answer.payload == b"\x01\x03\x02\x04open\x11"
    assert acknowledge(asked, {"open": False}).payload == b"\x01\x03\x02\x04open\x01"


def test_greetings() -> None:
    assert not health_check(Frame(kind=HELLO, payload=GREETING))
    assert health_check(Frame(kind=HELLO, payload=GREETING + b"\x0bhealthcheck\x11"))
    assert b"\x07version\x08\x032.0" in agent_hello().payload


@pytest.mark.parametrize("body", [b"", b"\x03", b"\x03\0\0\0\0\0\0", b"\x03\0\0\0\x01\xff" + b"\xff" * 20])
def test_what_is_no_frame_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"frame|number"):
        Frame.decode(body)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        arguments(Frame(kind=NOTIFY, payload=payload))
    except ValueError:
        return
