from __future__ import annotations

from calzion.errors import CalzionError
from calzion.progress import Event, Story
from calzion.redaction import Mask

MASK = Mask(
    {"KEY": "s3cr.t+/=", "LONGER": "s3cr.t+/=more", "TINY": "on", "PEM": "-----BEGIN\nabcdefgh\n-----END\n"}
)


def test_values_are_replaced_by_their_names_wherever_they_stand() -> None:
    assert MASK.text("key=s3cr.t+/=, s3cr.t+/=more; s3crat+/=") == "key=[KEY], [LONGER]; s3crat+/="
    assert MASK.text("redis://:s3cr.t%2B%2F%3D@host") == "redis://:[KEY]@host"
    assert MASK.text("turned on") == "turned on"
    assert MASK.text("  abcdefgh") == "  [PEM]"
    assert Mask({}).text("anything") == "anything"


def test_data_and_errors() -> None:
    error = CalzionError(
        "it is s3cr.t+/=", hint="not s3cr.t+/=", detail=["s3cr.t+/=", {"a": ["s3cr.t+/="]}, 1]
    )
    MASK.error(error)
    assert "s3cr" not in repr(error.as_dict()) + str(error) + repr(error)
    assert error.detail == ["[KEY]", {"a": ["[KEY]"]}, 1]


def test_a_story_tells_nobody() -> None:
    told: list[Event] = []
    story = Story(told.append, MASK)
    story.log("s3cr.t+/=", "web")
    story.done("done", key="s3cr.t+/=")
    assert [each.text for each in told] == ["[KEY]", "done"] and told[1].detail == {"key": "[KEY]"}
