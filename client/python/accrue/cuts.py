"""Cut points that share keys evenly. A pure function: any thread may call it."""

from __future__ import annotations

from typing import Any

import numpy as np

from accrue.errors import Invalid


def learned_cuts(keys: Any, partitions: int) -> list[float]:
    """For partition_cuts: shares a sample of keys evenly and leaves no partition without (probabilistic splitting:
    DeWitt, Naughton and Schneider 1991). Invalid where a key is not finite, or fewer of them differ than there are to
    be partitions.
    """
    ordered = np.sort(np.asarray(keys, np.float64).ravel())
    if not np.isfinite(ordered).all():
        raise Invalid("cut points cannot be learned from keys that are not finite")
    values = np.unique(ordered)
    if len(values) < partitions:
        raise Invalid(f"{partitions} partitions cannot be cut from {len(values)} different values")
    cuts: list[float] = []
    least = 1  # nothing would lie below the first value
    for i in range(1, partitions):
        wanted = int(np.searchsorted(values, ordered[len(ordered) * i // partitions]))
        most = len(values) - (partitions - i)  # leaves a value for each cut to come
        cut = min(max(wanted, least), most)
        cuts.append(float(values[cut]))
        least = cut + 1
    return cuts
