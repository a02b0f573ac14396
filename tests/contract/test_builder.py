"""What the controller may rely on, whatever builds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from calzion.errors import CalzionError
from calzion.model import BuildOrder, DeploymentName, ServiceName, Slug
from tests.contract.builder_stage import FAILS, FINE, WAITS, BuilderStage
from tests.integration.build_site import CACHE, Cancel, Output, with_buildpack

APP = {"Procfile": "web: serve\nworker: work\n", "lib/app.py": "print()\n"}


def of_another(order: BuildOrder) -> BuildOrder:
    """The same, asked for by another deployment."""
    return replace(
        order,
        deployment=DeploymentName("another"),
        service=ServiceName("other"),
        repository="other",
        cache="other/other",
    )


def begin(builder: BuilderStage, order: BuildOrder, cancel: Cancel) -> tuple[Output, Callable[[], object]]:
    """Build in a thread; what is told, and what waits for the slug or the error."""
    output, result = Output(), list[object]()

    def build() -> None:
        try:
            result.append(builder.builder.build(order, output, cancel))
        except CalzionError as error:
            result.append(error)

    thread = threading.Thread(target=build)
    thread.start()

    def end() -> object:
        thread.join(30)
        return result[0]

    return output, end


def test_a_build_gives_the_slug_of_its_source(builder: BuilderStage) -> None:
    order, output = builder.order(APP), Output()
    slug = builder.builder.build(order, output, Cancel())
    assert slug.key == builder.builder.key(order)
    assert slug.process_types == (("web", "serve"), ("worker", "work"))
    assert {name: (slug.root / name).read_text() for name in APP} == APP
    assert slug.language == "Procfile" and slug.size >= sum(map(len, APP.values()))
    assert builder.builder.find(slug.key) == slug
    assert builder.has_cache(CACHE)
    assert builder.leftovers() == []


def test_what_a_build_writes_is_told_line_by_line_as_its_services(builder: BuilderStage) -> None:
    output = Output()
    builder.builder.build(builder.order(with_buildpack(FINE)), output, Cancel())
    assert [line for line in output.lines if line in ("begun", "ended")] == ["begun", "ended"]
    assert output.sources == {"web"}


def test_what_was_built_is_not_built_again_whoever_asks(builder: BuilderStage) -> None:
    first = builder.builder.build(builder.order(APP), Output(), Cancel())
    output, cancelled = Output(), Cancel()
    cancelled.cancel()
    again = builder.builder.build(of_another(builder.order(APP)), output, cancelled)
    assert again == first
    assert output.lines == []


def test_equal_orders_have_equal_keys(builder: BuilderStage) -> None:
    key = builder.builder.key(builder.order(APP, A="1", B="2"))
    assert len(key) == 64
    same = builder.order(APP, B="2", A="1")
    assert builder.builder.key(same) == key
    assert builder.builder.key(of_another(same)) == key
    same.source.commit = "d" * 40
    assert builder.builder.key(same) == key
    assert builder.builder.key(replace(same, buildpacks=("procfile",))) == key, "that is what is detected"
    builder.restart()
    assert builder.builder.key(same) == key


def test_whatever_goes_in_changes_the_key(builder: BuilderStage) -> None:
    order = builder.order(APP, A="1")
    others = [
        builder.order(APP | {"lib/app.py": "print(1)\n"}, A="1"),
        builder.order(APP | {"another": ""}, A="1"),
        builder.order(APP, A="2"),
        builder.order(APP, B="1"),
        builder.order(APP, A="1", B=""),
        builder.order(APP),
        replace(order, buildpacks=("static",)),
        replace(order, buildpacks=("static", "procfile")),
        replace(order, buildpacks=("procfile", "static")),
    ]
    keys = [builder.builder.key(each) for each in (order, *others)]
    assert len(set(keys)) == len(keys)


def test_equal_results_of_different_orders_have_equal_digests(builder: BuilderStage) -> None:
    orders = [builder.order(APP), builder.order(APP, A="1"), builder.order(APP | {"another": ""})]
    plain, with_a, other = (builder.builder.build(each, Output(), Cancel()) for each in orders)
    assert plain.key != with_a.key and plain.digest == with_a.digest
    assert other.digest != plain.digest


def test_a_key_is_foreseen_and_nothing_kept(builder: BuilderStage) -> None:
    order = builder.order(APP)
    key = builder.builder.foresee(order)
    assert key == builder.builder.key(order)
    assert builder.builder.find(key) is None
    assert not builder.has_cache(CACHE)
    assert builder.leftovers() == []


@pytest.mark.parametrize(
    ("files", "buildpacks", "message"),
    [
        ({"README": ""}, None, "web: no buildpack fits"),
        ({"Procfile": "no process"}, None, "the Procfile can't be read"),
        ({"Procfile": "web: a\n" + "#" * (1 << 20)}, None, "Procfile is too large"),
        (APP, (), "these buildpacks can't be used"),
        (APP, ("nonsense",), "these buildpacks can't be used"),
    ],
)
def test_what_can_not_be_built_is_refused_before_it_is(
    builder: BuilderStage, files: dict[str, str], buildpacks: tuple[str, ...] | None, message: str
) -> None:
    order = replace(builder.order(files), buildpacks=buildpacks)
    asked: list[Callable[[], object]] = [
        lambda: builder.builder.key(order),
        lambda: builder.builder.foresee(order),
        lambda: builder.builder.build(order, Output(), Cancel()),
    ]
    for ask in asked:
        with pytest.raises(CalzionError, match=message) as caught:
            ask()
        assert caught.value.code == "build"
    assert builder.leftovers() == []


def test_a_failed_build_leaves_its_cache_alone(builder: BuilderStage) -> None:
    order, output = builder.order(with_buildpack(FAILS)), Output()
    for _ in range(2):
        with pytest.raises(CalzionError, match=r"web: .*failed \(exit code 1\)") as caught:
            builder.builder.build(order, output, Cancel())
        assert caught.value.code == "build" and "begun" in caught.value.detail
    assert output.lines.count("begun") == 2, "it is tried again"
    assert builder.builder.find(builder.builder.key(order)) is None
    assert builder.has_cache(CACHE)
    assert builder.leftovers() == []


def test_a_build_can_be_cancelled(builder: BuilderStage) -> None:
    order, cancel = builder.order(with_buildpack(WAITS)), Cancel()
    output, end = begin(builder, order, cancel)
    output.until("begun")
    cancel.cancel()
    error = end()
    assert isinstance(error, CalzionError) and error.code == "cancelled"
    assert builder.builder.find(builder.builder.key(order)) is None
    assert builder.has_cache(CACHE)
    assert builder.leftovers() == []


def test_who_cancelled_already_gets_nothing_built(builder: BuilderStage) -> None:
    order, cancel, output = builder.order(APP), Cancel(), Output()
    cancel.cancel()
    with pytest.raises(CalzionError) as caught:
        builder.builder.build(order, output, cancel)
    assert caught.value.code == "cancelled"
    assert output.lines == []
    assert builder.builder.find(builder.builder.key(order)) is None


def test_two_of_one_cache_wait_for_each_other_and_may_give_up(builder: BuilderStage) -> None:
    first, second = Cancel(), Cancel()
    output, end = begin(builder, builder.order(with_buildpack(WAITS)), first)
    output.until("begun")
    waiting, give_up = begin(builder, builder.order(APP), second)
    waiting.until("waiting for another build of this app")
    second.cancel()
    first.cancel()
    for error in (give_up(), end()):
        assert isinstance(error, CalzionError) and error.code == "cancelled"
    assert waiting.lines == ["waiting for another build of this app"]


def test_equal_orders_at_once_are_built_once(builder: BuilderStage) -> None:
    order = builder.order(with_buildpack(FINE))
    running = [begin(builder, each, Cancel()) for each in (order, of_another(order))]
    slugs = [end() for _, end in running]
    assert isinstance(slugs[0], Slug) and slugs[0] == slugs[1]
    assert sum(output.lines.count("begun") for output, _ in running) == 1


def test_what_is_not_kept_is_gone_at_once(builder: BuilderStage) -> None:
    orders = [builder.order(APP), of_another(builder.order({"Procfile": "web: other"}))]
    kept, gone = (builder.builder.build(each, Output(), Cancel()) for each in orders)
    assert builder.has_cache(CACHE) and builder.has_cache("other/other")
    free = builder.builder.prune({kept.key, "0" * 64}, {CACHE, "unknown"})
    assert builder.builder.find(kept.key) == kept and kept.root.is_dir()
    assert builder.builder.find(gone.key) is None and not gone.root.exists()
    assert builder.has_cache(CACHE) and not builder.has_cache("other/other")
    free()
    builder.builder.prune({kept.key}, {CACHE})()
    assert kept.root.is_dir() and builder.leftovers() == []
    assert builder.builder.build(orders[1], Output(), Cancel()) == gone
    builder.builder.prune((), ())()
    assert builder.builder.find(kept.key) is builder.builder.find(gone.key) is None
    assert not builder.has_cache(CACHE)


def test_a_restart_changes_nothing(builder: BuilderStage) -> None:
    slug = builder.builder.build(builder.order(APP), Output(), Cancel())
    builder.restart()
    assert builder.builder.find(slug.key) == slug and slug.root.is_dir()
    assert builder.has_cache(CACHE)


@pytest.mark.parametrize("key", ["", "0" * 64, "../slugs", "x/y"])
def test_unknown_keys_have_no_slug(builder: BuilderStage, key: str) -> None:
    assert builder.builder.find(key) is None
