import os
import stat

import pytest

from calzion.build.contents import Sealer


def mode(path):
    return stat.S_IMODE(os.lstat(path).st_mode)


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "app"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "file").write_bytes(b"12345")
    return root


def test_the_group_may_do_what_the_owner_may(root):
    (root / "run").write_bytes(b"")
    (root / "run").chmod(0o4700)
    (root / "sub").chmod(0o700)
    (root / "sub" / "file").chmod(0o400)
    Sealer().seal(root)
    assert mode(root / "run") == 0o770
    assert mode(root / "sub") & 0o770 == 0o770
    assert mode(root / "sub" / "file") & 0o660 == 0o660


def test_links_are_left_alone_and_other_things_go(root, tmp_path):
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    outside.chmod(0o600)
    (root / "link").symlink_to(outside)
    os.mkfifo(root / "pipe")
    contents = Sealer().seal(root)
    assert contents.size == 5
    assert mode(outside) == 0o600
    assert not (root / "pipe").exists()


def test_the_digest_does_not_depend_on_times_and_owners(root):
    first = Sealer().seal(root)
    os.utime(root / "sub" / "file", (1, 1))
    assert Sealer().seal(root) == first
    (root / "sub" / "file").write_bytes(b"54321")
    assert Sealer().seal(root).digest != first.digest


def test_names_that_are_no_text_and_deep_trees(root):
    (root / os.fsdecode(b"\xff\xfe")).write_bytes(b"")
    deep = root
    for _ in range(400):
        deep /= "d"
        deep.mkdir()
    assert Sealer().seal(root).size == 5
