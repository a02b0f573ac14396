"""What is said where an image is missing."""

import pytest
from docker.errors import ImageNotFound

from calzion.errors import CalzionError
from calzion.images.present import need
from calzion.images.recipe import recipe


class Engine:
    """Has these images, by their tags."""

    def __init__(self, **images):
        self.images = images

    def inspect_image(self, tag):
        if tag not in self.images:
            raise ImageNotFound(f"no such image: {tag}")
        return {"Id": self.images[tag]}


def test_the_id_of_the_version_that_is_needed():
    assert need(Engine(**{recipe("redis").tag: "sha256:1"}), "redis") == "sha256:1"


def test_without_it_the_next_step_is_said():
    with pytest.raises(CalzionError, match="the engine has no image calzion/redis:") as caught:
        need(Engine(**{"calzion/redis:older": "sha256:1"}), "redis")
    assert caught.value.code == "unsupported"
    assert "calzion images build" in caught.value.hint
