"""What a release remembers of where the code of a service is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Origin:
    """`upload` names uploaded code, `commit` what it was made of; without an upload, it is one of a push."""

    upload: str = ""
    commit: str = ""

    @classmethod
    def parse(cls, text: str) -> Origin:
        upload, _, commit = text.partition("@")
        return cls(upload=upload, commit=commit)

    @property
    def known(self) -> bool:
        return bool(self.upload or self.commit)

    def __str__(self) -> str:
        return f"{self.upload}@{self.commit}" if self.commit else self.upload
