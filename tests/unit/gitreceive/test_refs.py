from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from calzion.errors import CalzionError
from calzion.gitreceive.checks import check_update
from calzion.gitreceive.refname import ZERO
from calzion.gitreceive.refs import all_refs, current_ref, has_refs

A, B, C = "a" * 40, "b" * 40, "c" * 40
REF = "refs/heads/staging"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    path = tmp_path / "x.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    return path


def set_ref(bare: Path, value: str) -> None:
    (bare / REF).write_text(value + "\n")


def test_reads_loose_before_packed_refs(bare: Path) -> None:
    assert current_ref(bare, REF) is None and not has_refs(bare) and all_refs(bare) == {}
    (bare / "packed-refs").write_text(f"# pack-refs with: peeled\n{A} {REF}\n{B} refs/tags/t\n^{C}\n")
    assert current_ref(bare, REF) == A and has_refs(bare)
    set_ref(bare, C)
    assert current_ref(bare, REF) == C
    assert all_refs(bare) == {REF: C, "refs/tags/t": B}


def test_a_hostile_name_reads_nothing(bare: Path) -> None:
    (bare.parent / "outside").write_text(A)
    assert current_ref(bare, "refs/../../outside") is None
    assert current_ref(bare, "refs/heads") is None
    assert current_ref(bare, "refs/heads/staging/below") is None


def test_an_update_that_git_would_make_passes(bare: Path) -> None:
    check_update(bare, old=ZERO, new=A, ref=REF)
    set_ref(bare, A)
    check_update(bare, old=A, new=B, ref=REF)


@pytest.mark.parametrize(("current", "says"), [(A, "fetch and push again"), (C, "moved to this commit")])
def test_a_branch_that_moved_is_a_conflict(bare: Path, current: str, says: str) -> None:
    set_ref(bare, current)
    with pytest.raises(CalzionError) as refused:
        check_update(bare, old=B, new=C, ref=REF)
    assert refused.value.code == "conflict" and says in refused.value.message


@pytest.mark.parametrize("lock", [f"{REF}.lock", "shallow.lock", "packed-refs.lock"])
def test_a_lock_that_git_would_meet_is_found_before(bare: Path, lock: str) -> None:
    (bare / lock).touch()
    with pytest.raises(CalzionError, match="already"):
        check_update(bare, old=ZERO, new=A, ref=REF)


def test_a_lock_file_is_no_ref(bare: Path) -> None:
    (bare / f"{REF}.lock").write_text(A + "\n")
    assert not has_refs(bare) and all_refs(bare) == {}
