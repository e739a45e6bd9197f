"""What a stream is: its schema, how its rows are dealt out, and the models that it begins with. Values.

A row is, in this order: the features, the target, the weight if the stream is weighted, the key if it has one that is
not itself a feature, the event time if it has one that is neither a feature nor the key, and the id if it has one. A
stream of sparse rows has a dimension instead of names of features.

What a specification must be like is the daemon's to judge, which says so in the words that its other clients hear.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from accrue.codec import U32
from accrue.errors import Invalid

WEIGHT_COLUMN = "weight"  # the weight's name
MAX_FEATURES = 1024
MAX_NAME_BYTES = 128


class PartitionBy(enum.IntEnum):
    """How rows find the partition that learns them. The model is the same but for its last bits."""

    ROUND_ROBIN = 0  # whole batches in turn
    HASH = 1  # rows by the hash of their key: those of one key meet
    RANDOM = 2  # whole batches as partition_seed draws them
    WEIGHTED = 3  # whole batches in proportion to partition_weights
    LEAST_LOADED = 4  # whole batches to the worker with the least to learn
    RANGE = 5  # rows by where their key lies among partition_cuts
    TIME_WINDOW = 6  # rows by the window of partition_window_s that their key, the event time, falls into

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def named(cls, name: str | PartitionBy) -> PartitionBy:
        """That of a name such as "round_robin"."""
        if isinstance(name, cls):
            return name
        for by in cls:
            if str(by) == name:
                return by
        raise Invalid(f"partition_by is one of {', '.join(map(str, cls))}, not {name!r}")


@dataclass(init=False)
class Model:
    """A model of a stream: which learner is to learn, and how. The daemon knows which there are.

    Settings are given by name: Model("ridge2", ridge=2); numbers and bools become the text that a learner takes.
    """

    name: str
    learner: str
    settings: dict[str, str]

    def __init__(
        self, name: str, learner: str = "least_squares", settings: Mapping[str, Any] | None = None, **more: Any
    ) -> None:
        self.name = name
        self.learner = learner
        self.settings = {key: _setting(value) for key, value in {**(settings or {}), **more}.items()}

    def __str__(self) -> str:
        return f"{self.name} ({' '.join([self.learner, *(f'{k}={v}' for k, v in self.settings.items())])})"


def _setting(value: Any) -> str:
    if isinstance(value, np.generic):
        value = value.item()  # of NumPy's own, whose words for it differ from version to version
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else _shortest(value)


@dataclass
class StreamSpec:
    """Fixed when the stream is created, but for its models."""

    FIELDS_AT_FIRST = 8  # of version 0.1.0

    features: list[str] = field(default_factory=list)
    target: str = "target"
    weighted: bool = False  # every row carries a weight
    key: str = ""  # a feature, or a column of its own, by which rows are partitioned; empty for none
    intercept: bool = True
    ridge: float = 0.0  # penalty at solve time, in rows' worth of prior; 0 is plain least squares
    partitions: U32 = 1
    partition_by: PartitionBy = PartitionBy.ROUND_ROBIN
    partition_seed: int = 0  # of RANDOM
    partition_weights: list[float] = field(default_factory=list)  # of WEIGHTED: one a partition, above 0
    partition_cuts: list[float] = field(default_factory=list)  # of RANGE: increasing, one fewer than partitions
    partition_window_s: float = 0.0  # of TIME_WINDOW: seconds, at least 0.001
    time: str = ""  # in seconds, of a row's event: a feature, the key, or a column of its own; empty for none
    # What it is created with, the champion first; none: one "least_squares" with the intercept and the ridge above.
    models: list[Model] = field(default_factory=list)
    # A column of its own that joins the features of a row to a target that comes later; empty for none. A target is
    # late more than so many rows, or seconds of event time if that is above 0, after its features.
    id: str = ""
    label_ttl_rows: int = 100_000
    label_ttl_s: float = 0.0
    dimension: U32 = 0  # of a stream of sparse rows, whose features have no names

    @property
    def columns(self) -> list[str]:
        """Names, in the order of a row on the wire."""
        names = [*self.features, self.target]
        if self.weighted:
            names.append(WEIGHT_COLUMN)
        if self.key_of_its_own:
            names.append(self.key)
        if self.time_of_its_own:
            names.append(self.time)
        if self.id:
            names.append(self.id)
        return names

    @property
    def key_of_its_own(self) -> bool:
        return bool(self.key) and self.key not in self.features

    @property
    def time_of_its_own(self) -> bool:
        return bool(self.time) and self.time not in self.features and self.time != self.key

    @property
    def sparse(self) -> bool:
        return self.dimension > 0


def require_stream_name(name: str) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,128}", name):
        raise Invalid(f"stream name {str(name)[:MAX_NAME_BYTES]!r} is not 1 to 128 letters, digits, '_', '-' or '.'")


def require_sendable(spec: StreamSpec) -> None:
    """What the daemon could not even be asked."""
    if isinstance(spec.features, str):
        raise Invalid(f"features is a list of names, not {spec.features!r}")
    if len(spec.features) > MAX_FEATURES:
        raise Invalid(f"a stream has at most {MAX_FEATURES} features, not {len(spec.features)}")
    for name in [*spec.columns, *(model.name for model in spec.models)]:
        if not isinstance(name, str):
            raise Invalid(f"a name is a text, not {name!r}")
        if len(name.encode(errors="replace")) > MAX_NAME_BYTES:
            raise Invalid(f"'{name[:MAX_NAME_BYTES]}'... is longer than {MAX_NAME_BYTES} bytes")


def difference(existing: StreamSpec, asked: StreamSpec) -> str:
    """The first difference between what a stream is and what it is asked to be, as a sentence; empty when equal."""
    for name, label, shown in _COMPARED:
        has, wants = getattr(existing, name), getattr(asked, name)
        if has != wants and not (name == "models" and not wants):
            return f"it has {label} {shown(has)}, not {shown(wants)}"
    return ""


def _shortest(number: float) -> str:
    return repr(number)[:-2] if repr(number).endswith(".0") else repr(number)


def _quoted(name: str) -> str:
    return f"'{name}'"


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


def _listed(values: list[Any]) -> str:
    shown = [_shortest(value) if isinstance(value, float) else str(value) for value in values[:20]]
    more = f", ... ({len(values)} in all)" if len(values) > len(shown) else ""
    return ", ".join(shown) + more or "none"


# In the order and the words of the daemon's other clients.
_COMPARED: list[tuple[str, str, Any]] = [
    ("dimension", "dimension", str),
    ("features", "features", _listed),
    ("target", "target", str),
    ("weighted", "weights:", _yes_no),
    ("key", "key", _quoted),
    ("time", "time", _quoted),
    ("id", "id", _quoted),
    ("label_ttl_rows", "label_ttl_rows", str),
    ("label_ttl_s", "label_ttl_s", _shortest),
    ("intercept", "intercept:", _yes_no),
    ("ridge", "ridge", _shortest),
    ("models", "models", _listed),
    ("partitions", "partitions", str),
    ("partition_by", "partition_by", str),
    ("partition_seed", "partition_seed", str),
    ("partition_weights", "partition_weights", _listed),
    ("partition_cuts", "partition_cuts", _listed),
    ("partition_window_s", "partition_window_s", _shortest),
]
