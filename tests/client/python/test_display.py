"""What notebooks are shown is well-formed, says the figures, and lets no text of the stream be more than text."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import accrue
from accrue.display import _MOST_POINTS, _Line, _plot, client_html, stream_html


def parsed(html: str) -> ElementTree.Element:
    assert "<script" not in html and "<style" not in html
    return ElementTree.fromstring(f"<div>{html}</div>")


def cells(page: ElementTree.Element) -> list[list[str]]:
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


@pytest.fixture
def stream(client: accrue.Client) -> Iterator[Any]:
    models = [accrue.Model("exact"), accrue.Model("robust", "sgd", loss="huber")]
    yield client.stream("homes", features=["rooms"], target="price", models=models)


def push(stream: Any, epochs: int) -> None:
    random = np.random.default_rng(1)
    for _ in range(epochs):
        x = random.normal(size=(50, 1))
        stream.push(x, 2 * x[:, 0] + random.normal(size=50))
        stream.flush()


def test_a_stream_shows_its_models_and_their_errors(stream: Any) -> None:
    push(stream, 5)
    page = parsed(stream_html(stream))
    head, exact, robust = cells(page)
    assert head[1:] == ["model", "learner", "settings", "rows", "MSE", "MAE", "R²", "MSE, clipped"]
    assert exact[1:5] == ["exact (champion)", "least_squares", "", "250"]
    assert robust[1:5] == ["robust", "sgd", "loss=huber", "250"]
    assert float(exact[5]) == pytest.approx(stream.metrics().mse, rel=1e-5)
    lines = list(page.iter("polyline"))
    assert len(lines) == 2
    assert len({line.get("stroke") for line in lines}) == 2
    assert len(lines[0].get("points", "").split()) == 6  # five epochs, and the last once more


def test_a_line_of_very_many_epochs_is_thinned_but_for_its_newest() -> None:
    epochs = np.arange(100_000.0)
    line = _Line(0, epochs, np.where(epochs % 2, epochs, np.nan)).drawn()
    assert len(line.x) <= _MOST_POINTS
    assert line.x[-1] == 99_999 and (np.diff(line.x) > 0).all()


def test_a_wide_range_of_errors_is_shown_on_a_logarithmic_axis() -> None:
    lines = [_Line(0, np.array([1.0, 2.0, 3.0]), np.array([1e-3, np.nan, 1e3]))]
    page = parsed(_plot(lines))
    assert any("logarithmic" in (text.text or "") for text in page.iter("text"))
    ticks = [text.text for text in page.iter("text") if text.get("text-anchor") == "end"]
    assert ticks == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [np.nan]])
def test_lines_without_a_range_are_drawn(values: list[float]) -> None:
    html = _plot([_Line(0, np.arange(float(len(values))), np.array(values))])
    assert "nan" not in html and "inf" not in html
    assert len(list(parsed(html).iter("polyline"))) == int(np.isfinite(values).any())


def test_a_stream_without_rows_says_so(stream: Any) -> None:
    assert "no row learned yet" in "".join(parsed(stream_html(stream)).itertext())


def test_a_daemon_shows_its_streams(client: accrue.Client, stream: Any) -> None:
    push(stream, 1)
    stream.push([[np.inf]], [1.0])
    stream.flush()
    page = parsed(client_html(client))
    assert cells(page)[0] == ["stream", "features", "target", "models", "rows", "rejected", "epoch", "MSE"]
    assert cells(page)[1][:6] == ["homes", "1", "price", "exact, robust", "50", "1"]
    assert f"accrued {accrue.__version__}" in "".join(page.itertext())


def test_texts_are_text_and_nothing_else(client: accrue.Client) -> None:
    models = [accrue.Model("m", "least_squares", transforms='select("<b>&\'")')]
    stream = client.stream("s", features=["<b>&'", "</td>"], target='<script src="/">', models=models)
    stream.push([[1.0, 2.0], [2.0, 2.0]], [1.0, 2.0])
    stream.flush()
    assert cells(parsed(stream_html(stream)))[1][2:4] == ["least_squares", 'transforms=select("<b>&\'")']
    assert cells(parsed(client_html(client)))[1][:4] == ["s", "2", '<script src="/">', "m"]
