"""What the documentation tells readers to type works when it is typed."""

from __future__ import annotations

import pytest

from tests.stories.pages import SHELL, Page, Reader, pages
from tests.stories.site import Site

PAGES = pages()
TYPED = [page for page in PAGES if page.runnable and page.backend == "process"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.stem)
def test_every_shell_block_runs_or_says_why_not(page: Page) -> None:
    silent = [
        f"{page.path.name}:{block.line}"
        for block in page.blocks
        if block.language in SHELL and not block.why_not and block.language != "sh"
    ]
    assert not silent, "these are neither `sh` nor say behind their language why they can't be run"


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.path.stem)
def test_what_a_page_says_works(site: Site, page: Page) -> None:
    Reader(site, page).run()
