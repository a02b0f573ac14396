from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calzion.controller.stories import StoryBook
from calzion.progress import Event


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As on a disk that has no more room: a write that comes to the limit is cut short, one behind it fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_can_not_be_kept_is_told_and_leaves_no_half_line(tmp_path: Path) -> None:
    told: list[Event] = []
    book = StoryBook(tmp_path)
    story = book.write(1, 1, told.append)
    story.log("kept")
    size = (tmp_path / "1/1.jsonl").stat().st_size
    with files_of_at_most(size + 20):
        story.log("lost, for it does not fit")
        story.step("lost as well")
    story.log("kept again")
    story.close()
    assert [event.text for event in told] == [
        "kept",
        "lost, for it does not fit",
        "lost as well",
        "kept again",
    ]
    assert [event.text for event in book.read(1, 1, follow=False)] == ["kept", "kept again"]


def test_a_story_that_can_not_be_begun_is_told(tmp_path: Path) -> None:
    told: list[Event] = []
    (tmp_path / "1").write_text("a file where a directory should be")
    story = StoryBook(tmp_path).write(1, 1, told.append)
    story.step("told")
    story.close()
    assert [event.text for event in told] == ["told"]
