"""What the documentation of containers tells readers to type works when it is typed."""

from __future__ import annotations

import pytest

from tests.stories.pages import Page, Reader, pages
from tests.stories.site import Site

BACKENDS = ("docker",)
TYPED = [page for page in pages() if page.runnable and page.backend == "docker"]


@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.path.stem)
def test_what_a_page_says_works(site: Site, page: Page) -> None:
    Reader(site, page).run()
