import json

import pytest

from calzion.build.contents import Sealer
from calzion.build.store import SlugStore
from calzion.model import Slug

KEY = "a" * 64


@pytest.fixture
def store(tmp_path):
    return SlugStore(tmp_path / "slugs", tmp_path / "builds")


def slug(tmp_path, key=KEY, name="one"):
    root = tmp_path / name / "app"
    root.mkdir(parents=True)
    (root / "file").write_text(name)
    return Slug(
        key=key,
        digest=Sealer().seal(root).digest,
        root=root,
        language="Python",
        process_types=(("web", "run"), ("a", "b")),
        config_vars=(("X", "1"),),
        size=3,
    )


def test_what_was_put_is_found_again(store, tmp_path):
    made = slug(tmp_path)
    stored = store.put(made)
    assert stored == store.find(KEY)
    assert stored.root == tmp_path / "slugs" / KEY / "app"
    assert (stored.process_types, stored.config_vars) == (made.process_types, made.config_vars)
    assert not made.root.exists()


def test_the_first_slug_of_a_key_stays(store, tmp_path):
    first = store.put(slug(tmp_path))
    assert store.put(slug(tmp_path, name="two")) == first
    assert (first.root / "file").read_text() == "one"


@pytest.mark.parametrize("key", ["../x", "", "A" * 64, "a" * 63, "a" * 64 + "/"])
def test_strange_keys_are_unknown(store, key):
    assert store.find(key) is None
    store.remove(key)


def test_half_a_slug_is_no_slug_and_is_replaced(store, tmp_path):
    (tmp_path / "slugs" / KEY).mkdir(parents=True)
    (tmp_path / "slugs" / KEY / "slug.json").write_text(json.dumps({"key": KEY})[:5])
    assert store.find(KEY) is None
    assert store.put(slug(tmp_path)) == store.find(KEY)


def test_list_and_remove(store, tmp_path):
    assert store.list() == ()
    store.put(slug(tmp_path))
    store.put(slug(tmp_path, key="b" * 64, name="two"))
    assert {found.key for found in store.list()} == {KEY, "b" * 64}
    store.remove(KEY)
    assert [found.key for found in store.list()] == ["b" * 64]
    assert list((tmp_path / "builds").iterdir()) == []


def test_an_image_is_kept_without_files(store):
    kept = store.put(
        Slug(
            key="a" * 64,
            digest="sha256:1",
            root=None,
            language="image",
            process_types=(),
            image="sha256:1",
            ports=(5672, 15672),
        )
    )
    assert store.find("a" * 64) == kept
    assert (kept.root, kept.image, kept.ports) == (None, "sha256:1", (5672, 15672))
    store.remove("a" * 64)
    assert store.find("a" * 64) is None
