"""What notebooks show of a stream and of a daemon: HTML that stands by itself.

Tables of figures and a plot of the errors as SVG. No script and no style sheet, so that it is shown wherever HTML is;
text and axes take the colour of the text around, and the lines' colours are seen on light and on dark. Every name and
text that comes from the daemon is escaped.

Threads: any. Errors: those of the stream's and the client's queries; a stream that has learned nothing yet is no error.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from accrue.codec import Float64s

if TYPE_CHECKING:
    from accrue.client import Client, Stream
    from accrue.results import ModelStatus, StreamStatus

# Of Okabe and Ito's, those that stand out from white and from black alike.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
_DASHES = ("", "8 4", "2 4", "10 4 2 4")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 640, 240, 70, 34, 10  # pixels: of the plot, and of its margins
_MOST_POINTS = 400  # of a line: more than one a pixel or two is not seen
_WIDE_RANGE = 50  # of errors, from which the axis is logarithmic


def stream_html(stream: Stream) -> str:
    """The models of a stream, how well each predicts, and how its error went: over the last 1,000 rows, by epoch."""
    name = html.escape(stream.name)
    models = stream.models()
    if models.epoch == 0:
        return f"<p><b>{name}</b>: no row learned yet</p>"
    lines = []
    for i, model in enumerate(models):
        history = stream.history(model=model.name)
        lines.append(_Line(i, np.asarray(history["epoch"], np.float64), np.asarray(history["mse"], np.float64)))
    columns = ["", "model", "learner", "settings", "rows", "MSE", "MAE", "R²", "MSE, clipped"]
    table = _table(columns, ([_swatch(i), *_escaped(_figures(model))] for i, model in enumerate(models)))
    return f"<p><b>{name}</b>, epoch {models.epoch}</p>{table}{_plot(lines)}"


def client_html(client: Client) -> str:
    """How the daemon is doing, and its streams."""
    status = client.status()
    head = (
        f"<p><b>accrued {html.escape(status.version)}</b>, {html.escape(status.data_dir)}, "
        f"{status.workers} workers, {status.producers} producers</p>"
    )
    if status.degraded:
        head += f"<p><b>degraded</b>: {html.escape(status.degraded)}</p>"
    columns = ["stream", "features", "target", "models", "rows", "rejected", "epoch", "MSE"]
    return head + _table(columns, (_escaped(_listed(stream)) for stream in status.streams))


def _figures(model: ModelStatus) -> Iterable[str]:
    spec = model.model
    yield spec.name + (" (champion)" if model.champion else "")
    yield spec.learner
    yield " ".join(f"{key}={value}" for key, value in spec.settings.items())
    yield f"{model.rows:,}"
    yield from map(_number, (model.mse, model.mae, model.r2, model.mse_clipped))


def _listed(stream: StreamStatus) -> Iterable[str]:
    spec = stream.spec
    yield stream.name
    yield f"{spec.dimension:,}, sparse" if spec.sparse else f"{len(spec.features):,}"
    yield spec.target
    yield ", ".join(model.name for model in spec.models)
    yield f"{stream.rows:,}"
    yield f"{sum(each.rows for each in stream.rejected):,}"
    yield f"{stream.epoch}"
    yield _number(stream.mse)


def _escaped(texts: Iterable[str]) -> Iterable[str]:
    return (html.escape(text) for text in texts)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.6g}"


def _table(head: Sequence[str], rows: Iterable[Iterable[str]]) -> str:
    """Of cells that are HTML."""
    cell = ' style="text-align:left;padding:2px 10px 2px 0"'
    lines = ["".join(f"<th{cell}>{name}</th>" for name in head)]
    lines += ["".join(f"<td{cell}>{value}</td>" for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _stroke(i: int) -> str:
    dashes = _DASHES[i // len(_COLOURS) % len(_DASHES)]
    return f'stroke="{_COLOURS[i % len(_COLOURS)]}" stroke-width="2" stroke-dasharray="{dashes}"'


def _swatch(i: int) -> str:
    return f'<svg width="28" height="8"><path d="M0 4H28" {_stroke(i)}/></svg>'


class _Line(NamedTuple):
    number: int  # of its colour
    x: Float64s
    y: Float64s

    def drawn(self) -> _Line:
        seen = np.isfinite(self.y)
        step = max(1, math.ceil(seen.sum() / _MOST_POINTS))
        return _Line(self.number, self.x[seen][::-step][::-1], self.y[seen][::-step][::-1])  # the newest among them


class _Axis(NamedTuple):
    low: float
    high: float
    begin: float  # in pixels
    end: float
    logarithmic: bool = False

    def place(self, value: Any) -> Any:
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = np.log(value), math.log(low), math.log(high)
        return self.begin + (self.end - self.begin) * (value - low) / ((high - low) or 1)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [10.0**power for power in powers if self.low <= 10.0**power <= self.high]
        rough = (self.high - self.low) / 5 or 1
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= rough)
        return [k * step for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def _plot(lines: Sequence[_Line]) -> str:
    lines = [line for line in (each.drawn() for each in lines) if len(line.x)]
    if not lines:
        return ""
    xs, ys = np.concatenate([line.x for line in lines]), np.concatenate([line.y for line in lines])
    logarithmic = 0 < ys.min() and ys.min() * _WIDE_RANGE < ys.max()
    x = _Axis(xs.min(), xs.max(), _LEFT, _WIDTH - 10)
    y = _Axis(ys.min() if logarithmic else 0.0, ys.max(), _HEIGHT - _BOTTOM, _TOP, logarithmic)
    parts = []
    for tick in y.ticks():
        at = f"{y.place(tick):.1f}"
        parts.append(
            f'<path d="M{_LEFT} {at}H{_WIDTH - 10}" stroke="currentColor" stroke-opacity="0.2"/>'
            f'<text x="{_LEFT - 6}" y="{at}" dy="4" text-anchor="end">{tick:g}</text>'
        )
    for tick in x.ticks():
        at = f"{x.place(tick):.1f}"
        parts.append(f'<text x="{at}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{tick:.10g}</text>')
    for line in lines:
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(x.place(line.x), y.place(line.y), strict=True)]
        path = " ".join(points + points[-1:])  # a line of one point is a dot
        parts.append(f'<polyline points="{path}" {_stroke(line.number)} stroke-linecap="round" fill="none"/>')
    caption = f"MSE of the last 1,000 rows, by epoch{', logarithmic' if logarithmic else ''}"
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 2}">{caption}</text>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" style="max-width:100%" role="img" '
        f'fill="currentColor" font-size="12" font-family="sans-serif">{"".join(parts)}</svg>'
    )
