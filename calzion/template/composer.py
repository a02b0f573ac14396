"""YAML events -> plain data. Iterative: neither depth nor aliases of hostile input cost stack or memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from calzion.template.data import MAX_DEPTH, MAX_NODES, Data, from_plain, shown
from calzion.template.places import Places
from calzion.template.problem import Path, Problem, Unreadable

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml is slower and gives the same events
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


_COST = 256
"""Characters of a long text that count as a node, so that aliases can't multiply it without end."""

_TOO_DEEP = f"more than {MAX_DEPTH} maps and lists inside each other"


@dataclass
class _Open:
    """A map or list whose end has not come. `key` is the one whose value comes next."""

    data: dict[str, Data] | list[Data]
    path: Path
    start: int
    anchor: str | None
    key: str | None = None
    drop: bool = False
    size: int = 1
    height: int = 1

    @property
    def next_path(self) -> Path:
        return (*self.path, len(self.data) if isinstance(self.data, list) else self.key or "")

    @property
    def wants_key(self) -> bool:
        return isinstance(self.data, dict) and self.key is None


@dataclass(frozen=True)
class _Anchored:
    data: Data
    size: int
    height: int


class Composer:
    """Composes one document; afterwards `places` and `problems` are filled.

    A merge key (`<<`) is a problem, or with `merge_keys` a key like any other, for the caller to act on.
    """

    def __init__(self, text: str, *, merge_keys: bool = False) -> None:
        self.places = Places(text)
        self.problems: list[Problem] = []
        self._text = text
        self._merge_keys = merge_keys
        self._stack: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}
        self._root: Data = None
        self._documents = 0
        self._nodes = 0

    def compose(self) -> Data:
        """The data of the document, None where it is empty. Raises Unreadable."""
        for event in self._events():
            self._take(event)
        return self._root

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            words = " ".join(part for part in (error.problem, error.context) if part)
            if "maximum nesting depth" in words:  # libyaml has a limit of its own, met while it looks ahead
                raise Unreadable(_TOO_DEEP, mark.index if mark else 0) from None
            raise Unreadable(f"this is not valid YAML: {words}", mark.index if mark else 0) from None
        except yaml.YAMLError as error:
            raise Unreadable(f"this is not valid YAML: {shown(str(error))}") from None

    def _take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._begin_document(event)
            case yaml.AliasEvent():
                self._take_alias(event)
            case yaml.ScalarEvent():
                self._take_scalar(event)
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._end(event)

    def _begin_document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            raise Unreadable("one YAML document is wanted; a second begins here", event.start_mark.index)

    def _take_alias(self, event: Any) -> None:
        offset = event.start_mark.index
        if self._stack and self._stack[-1].wants_key:
            raise Unreadable("a key must be written out, not be an alias", offset)
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            what = "refers to itself" if event.anchor in self._anchors else "refers to no anchor before it"
            raise Unreadable(f"the alias {shown('*' + event.anchor)} {what}", offset)
        self._check_depth(anchored.height, offset)
        self._count(anchored.size, offset)
        self._add(anchored, offset, event.end_mark.index)

    def _take_scalar(self, event: Any) -> None:
        start = event.start_mark.index
        size = 1 + len(event.value) // _COST
        self._count(size, start)
        self._refuse_tag(event)
        if self._stack and self._stack[-1].wants_key:
            self._take_key(self._stack[-1], event)
            return
        data = from_plain(event.value) if event.implicit[0] else event.value
        scalar = _Anchored(data, size, 0)
        if event.anchor:
            self._anchors[event.anchor] = scalar
        self._add(scalar, start, event.end_mark.index)

    def _take_key(self, parent: _Open, event: Any) -> None:
        start, key = event.start_mark.index, event.value
        parent.key = key
        if key == "<<" and event.implicit[0] and not self._merge_keys:
            parent.drop = True
            self._problem("merge keys (<<) are not supported: write the keys out", start)
        elif key in parent.data:
            parent.drop = True
            first = self.places.at(self.places.key((*parent.path, key))).line
            self._problem(f"the key {shown(key)} stands twice; the first is on line {first}", start)
        else:
            self.places.note_key((*parent.path, key), start)

    def _begin(self, event: Any, data: dict[str, Data] | list[Data]) -> None:
        start = event.start_mark.index
        if self._stack and self._stack[-1].wants_key:
            raise Unreadable("a key must be text, not a map or a list", start)
        self._count(1, start)
        self._check_depth(1, start)
        self._refuse_tag(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        path = self._stack[-1].next_path if self._stack else ()
        self._stack.append(_Open(data, path, start, event.anchor))

    def _end(self, event: Any) -> None:
        done = self._stack.pop()
        collection = _Anchored(done.data, done.size, done.height)
        if done.anchor:
            self._anchors[done.anchor] = collection
        self._add(collection, done.start, event.end_mark.index)

    def _add(self, value: _Anchored, start: int, end: int) -> None:
        if not self._stack:
            self._root = value.data
            self.places.note_value((), start, end)
            return
        parent = self._stack[-1]
        parent.size += value.size
        parent.height = max(parent.height, value.height + 1)
        if not parent.drop:
            self.places.note_value(parent.next_path, start, end)
            _store(parent, value.data)
        parent.key, parent.drop = None, False

    def _check_depth(self, height: int, offset: int) -> None:
        if len(self._stack) + height > MAX_DEPTH:
            raise Unreadable(_TOO_DEEP, offset)

    def _count(self, nodes: int, offset: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise Unreadable(f"more than {MAX_NODES} keys and values, aliases expanded", offset)

    def _refuse_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._problem(f"the tag {shown(event.tag)}: tags are not supported", event.start_mark.index)

    def _problem(self, sentence: str, offset: int) -> None:
        self.problems.append(Problem(sentence=sentence, offset=offset))


def _store(parent: _Open, value: Data) -> None:
    if isinstance(parent.data, list):
        parent.data.append(value)
    else:
        parent.data[parent.key or ""] = value
