"""The Python client of accrue, the online machine-learning daemon (client.py says how it is used).

For asyncio, the same in coroutines, there is accrue.aio. accrue.sklearn and accrue.river have its models as estimators.
"""

from accrue import aio
from accrue.client import Client, Stream
from accrue.core import default_endpoint
from accrue.cuts import learned_cuts
from accrue.embedded import Embedded, embedded
from accrue.errors import (
    Error,
    Invalid,
    NoModelYet,
    Refused,
    RolledBack,
    SpecMismatch,
    Timeout,
    UnknownEpoch,
    UnknownModel,
    UnknownStream,
)
from accrue.results import (
    Coefficients,
    Coverage,
    Epoch,
    ErrorFigures,
    Estimate,
    FlushReport,
    KeptEpochs,
    Metrics,
    Models,
    ModelStatus,
    Prediction,
    Status,
    StreamStatus,
)
from accrue.sparse import SparseRows, hashed_feature
from accrue.spec import Model, PartitionBy, StreamSpec

__version__ = "0.1.0"

__all__ = [
    "Client",
    "Coefficients",
    "Coverage",
    "Embedded",
    "Epoch",
    "Error",
    "ErrorFigures",
    "Estimate",
    "FlushReport",
    "Invalid",
    "KeptEpochs",
    "Metrics",
    "Model",
    "ModelStatus",
    "Models",
    "NoModelYet",
    "PartitionBy",
    "Prediction",
    "Refused",
    "RolledBack",
    "SparseRows",
    "SpecMismatch",
    "Status",
    "Stream",
    "StreamSpec",
    "StreamStatus",
    "Timeout",
    "UnknownEpoch",
    "UnknownModel",
    "UnknownStream",
    "aio",
    "default_endpoint",
    "embedded",
    "hashed_feature",
    "learned_cuts",
]
