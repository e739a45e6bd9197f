"""What a refusal by the daemon is to the caller. Pure functions: any thread may call them."""

from __future__ import annotations

from accrue import errors, wire
from accrue.wire import ErrorCode


def text_of(error: wire.Error) -> str:
    return error.text or error.code.name.lower()


def error_from(error: wire.Error) -> errors.Error:
    """What a refusal is to the caller."""
    kind = _KINDS.get(error.code, errors.Refused)
    return kind(error.text or f"refused: {error.code.name.lower()}")


_KINDS: dict[ErrorCode, type[errors.Error]] = {
    ErrorCode.UNKNOWN_STREAM: errors.UnknownStream,
    ErrorCode.SPEC_MISMATCH: errors.SpecMismatch,
    ErrorCode.NO_MODEL_YET: errors.NoModelYet,
    ErrorCode.UNKNOWN_EPOCH: errors.UnknownEpoch,
    ErrorCode.ROLLED_BACK: errors.RolledBack,
    ErrorCode.UNKNOWN_MODEL: errors.UnknownModel,
    ErrorCode.MODEL_EXISTS: errors.Invalid,
    ErrorCode.BAD_SPEC: errors.Invalid,
    ErrorCode.BAD_ROWS: errors.Invalid,
}
