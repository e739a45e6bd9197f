"""Whatever users have rows in comes to the same block of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse  # type: ignore[import]

from accrue import Invalid, SparseRows, StreamSpec, hashed_feature, learned_cuts
from accrue.sparse import in_order
from accrue.tables import Extras, rows_to_predict, rows_to_push

PLAIN = StreamSpec(features=["rooms", "age"], target="price")
FULL = StreamSpec(features=["rooms", "age"], target="price", weighted=True, key="store", time="sold", id="visit")
X = np.array([[4.0, 30.0], [5.0, 12.0], [3.0, 50.0]])
Y = np.array([210.5, 300.0, 99.5])
WHOLE = np.column_stack([X, Y])


def push(x: Any, y: Any = None, spec: StreamSpec = PLAIN, **extras: Any) -> Any:
    rows = rows_to_push("homes", spec, x, y, Extras(**extras))
    if isinstance(rows, np.ndarray):
        assert rows.flags.c_contiguous and rows.dtype in (np.float64, np.float32)
    return rows


def predict(x: Any, spec: StreamSpec = PLAIN, key: Any = None) -> Any:
    return rows_to_predict("homes", spec, x, key)


def as_pandas() -> Any:
    return pd.DataFrame({"age": X[:, 1], "price": Y, "note": ["a", "b", "c"], "rooms": X[:, 0]})


def as_polars() -> Any:
    return pytest.importorskip("polars").DataFrame(as_mapping())


def as_arrow() -> Any:
    return pytest.importorskip("pyarrow").table(as_mapping())


def as_arrow_batch() -> Any:
    return as_arrow().to_batches()[0]


def as_structured() -> Any:
    return as_pandas()[["age", "price", "rooms"]].assign(note=0.0).to_records()


def as_mapping() -> Any:
    return {"age": X[:, 1].tolist(), "price": Y, "note": ["a", "b", "c"], "rooms": X[:, 0]}


@pytest.mark.parametrize("make", [as_pandas, as_polars, as_arrow, as_arrow_batch, as_structured, as_mapping])
def test_columns_are_found_by_name(make: Any) -> None:
    assert push(make()).tolist() == WHOLE.tolist()
    assert push(make(), -Y)[:, 2].tolist() == (-Y).tolist()
    assert predict(make()).tolist() == X.tolist()
    spec = StreamSpec(features=["rooms", "place"], target="price")
    with pytest.raises(Invalid, match="stream 'homes': X has no column 'place'; it has .*'rooms'"):
        push(make(), spec=spec)


@pytest.mark.parametrize(
    "x",
    [X, X.tolist(), np.asfortranarray(X), X[:, ::-1][:, ::-1], [tuple(row) for row in X], X.astype(np.int16),
     pd.DataFrame(X)],
)
@pytest.mark.parametrize("y", [Y, Y.tolist(), Y.reshape(-1, 1), pd.Series(Y, index=[7, 8, 9]), tuple(Y)])
def test_matrices_stand_in_the_streams_order(x: Any, y: Any) -> None:
    assert push(x, y).tolist() == WHOLE.tolist()


def test_whole_rows_are_taken_as_they_are() -> None:
    assert push(WHOLE) is WHOLE
    assert push(WHOLE.tolist()).tolist() == WHOLE.tolist()
    with pytest.raises(Invalid, match=r"X of shape \(3, 2\) has not the 3 columns of whole rows: 'rooms', 'age', 'p"):
        push(X)


def test_one_row() -> None:
    assert push([4, 30], 210.5).tolist() == [[4, 30, 210.5]]
    assert push(X[0], 210.5).tolist() == [[4, 30, 210.5]]
    assert push({"rooms": 4, "age": 30, "price": 210.5}).tolist() == [[4, 30, 210.5]]
    assert push(as_pandas()[["age", "price", "rooms"]].iloc[0]).tolist() == [[4, 30, 210.5]]
    assert push(pd.Series([4, 30]), 210.5).tolist() == [[4, 30, 210.5]]
    assert predict({"rooms": 4, "age": 30}).tolist() == [[4, 30]]
    assert predict((4, 30)).tolist() == [[4, 30]]


def test_float32_stays_so_where_it_loses_nothing() -> None:
    narrow = X.astype(np.float32)
    assert push(narrow, Y.astype(np.float32)).dtype == np.float32
    assert push(narrow, np.array([1, 2, 3], np.int16)).dtype == np.float32
    assert push(narrow, Y).dtype == np.float64
    assert push(narrow, np.array([1, 2, 2**24 + 1], np.int32))[2, 2] == 2**24 + 1
    assert push(WHOLE.astype(np.float32)).dtype == np.float32
    assert push(as_pandas().astype({"age": "f4", "rooms": "f4", "price": "f4"})).dtype == np.float32
    assert predict(narrow).dtype == np.float32
    weighted = StreamSpec(features=["rooms", "age"], target="price", weighted=True)
    assert push(narrow, Y.astype(np.float32), spec=weighted).dtype == np.float32


def test_other_columns_come_by_argument_or_by_name() -> None:
    given = {"weight": [1, 2, 3], "key": 7, "time": np.array([1.5, 2.5, 3.5]), "id": [10, 11, 12]}
    wanted = np.column_stack([WHOLE, [1, 2, 3], [7, 7, 7], [1.5, 2.5, 3.5], [10, 11, 12]])
    assert push(X, Y, FULL, **given).tolist() == wanted.tolist()
    frame = as_pandas().assign(weight=[1, 2, 3], store=7, sold=[1.5, 2.5, 3.5], visit=[10, 11, 12])
    assert push(frame, spec=FULL).tolist() == wanted.tolist()
    assert push(frame, spec=FULL, key=8)[:, 4].tolist() == [8, 8, 8]
    del given["weight"]
    assert push(X, Y, FULL, **given)[:, 3].tolist() == [1, 1, 1]
    del given["time"]
    with pytest.raises(Invalid, match="stream 'homes' has the column 'sold' too, which is not given"):
        push(X, Y, FULL, **given)
    with pytest.raises(Invalid, match="has no column of its own for the weight"):
        push(X, Y, weight=1)
    with pytest.raises(Invalid, match="y, its target 'price', is missing"):
        push(X, None, FULL, weight=Y)


def test_dates_become_seconds() -> None:
    spec = StreamSpec(features=["rooms", "age"], target="price", time="sold")
    when = np.array(["2024-02-29T12:00:00.5", "NaT", "1969-12-31T23:59:59"], "datetime64[ms]")
    for time in (when, pd.Series(when), pd.Series(when).dt.tz_localize("UTC").dt.tz_convert("Asia/Kolkata")):
        np.testing.assert_array_equal(push(X, Y, spec, time=time)[:, 3], [1_709_208_000.5, np.nan, -1])


def test_what_is_missing_becomes_nan() -> None:
    wanted = [[1.0, np.nan, 5.0], [np.nan, 2.0, 6.0]]
    nullable = pd.DataFrame({"rooms": [1, None], "age": [None, 2.5], "price": [5, 6]}).convert_dtypes()
    assert str(nullable["rooms"].dtype) == "Int64"
    objects = pd.DataFrame({"rooms": [1, None], "age": [None, 2], "price": [5, 6]}, dtype=object)
    for x in (nullable, objects, {"rooms": [1, None], "age": [None, 2.0], "price": [5, 6]}):
        rows = push(x)
        rows[:, 1] = np.floor(rows[:, 1])
        np.testing.assert_array_equal(rows, wanted)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_what_is_missing_in_arrow_becomes_nan(library: str) -> None:
    module = pytest.importorskip(library)
    make = module.DataFrame if library == "polars" else module.table
    rows = push(make({"rooms": [1, None], "age": [None, 2.0], "price": [5, 6]}))
    np.testing.assert_array_equal(rows, [[1.0, np.nan, 5.0], [np.nan, 2.0, 6.0]])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :1], Y, r"has 2 features, and X has the shape \(3, 1\)"),
        (X, Y[:2], r"X has 3 rows, and price has the shape \(2,\)"),
        (X, None, r"has not the 3 columns of whole rows"),
        (X.reshape(1, 3, 2), Y, "has 2 features"),
        (X.astype(complex), Y, "X are not numbers but complex128"),
        ([["a", "b"]], [1], "X are not numbers but <U1"),
        ([[1, 2], [3]], [1, 2], "X are not all numbers"),
        (X, ["a", "b", "c"], "price are not numbers"),
        (as_pandas().assign(age=["x", "y", "z"]), None, "age are not all numbers: could not convert"),
        ({"rooms": [1, 2], "age": [1, 2, 3], "price": [1, 2]}, None, "are not equally long"),
        (scipy.sparse.csr_matrix(X), Y, "has no sparse rows"),
    ],
)
def test_what_cannot_be_rows_is_refused_by_the_streams_name(x: Any, y: Any, message: str) -> None:
    with pytest.raises(Invalid, match=f"stream 'homes'.*{message}"):
        push(x, y)


def test_an_id_that_is_too_large_for_a_float_is_refused() -> None:
    spec = StreamSpec(features=["rooms", "age"], target="price", id="visit")
    with pytest.raises(Invalid, match="an id is at most 2"):
        push(X, Y, spec, id=[1, 2, 2**53 + 1])


def test_no_frame_library_is_imported(run_python: Callable[..., str]) -> None:
    libraries = {"pandas", "polars", "pyarrow", "scipy", "sklearn", "river"}
    assert run_python(f"import sys, accrue.aio; print({libraries} & set(sys.modules))") == "set()\n"


# ---- sparse rows ----

SPARSE = StreamSpec(target="stars", dimension=100)


def sparse_rows(columns: Any, values: Any, ends: Any) -> SparseRows:
    return SparseRows(np.array(columns, np.uint32), np.array(values, np.float64), np.array(ends, np.uint32))


def plain(rows: Any) -> tuple[Any, ...]:
    return tuple(None if part is None else part.tolist() for part in vars(rows).values())


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_matrices_of_any_form(form: str) -> None:
    matrix = scipy.sparse.csr_matrix(([1.5, 2, -0.25], ([0, 0, 2], [3, 70, 3])), shape=(3, 100)).asformat(form)
    rows = push(matrix, [4, 5, 1], SPARSE)
    assert plain(rows) == ([3, 70, 3], [1.5, 2, -0.25], [2, 2, 3], [4, 5, 1], None)
    weighted = StreamSpec(target="stars", dimension=100, weighted=True)
    assert plain(push(matrix, [4, 5, 1], weighted, weight=2))[-1] == [2, 2, 2]
    assert plain(predict(matrix, SPARSE))[-2:] == (None, None)


def test_a_slice_of_a_sparse_matrix() -> None:
    matrix = scipy.sparse.csr_matrix(([1.5, 2, -0.25], ([0, 0, 2], [3, 70, 3])), shape=(3, 100))
    assert plain(push(matrix[1:], [5, 1], SPARSE))[:3] == ([3], [-0.25], [0, 1])


def test_a_key_of_its_own_stands_behind_the_features_where_it_is_given() -> None:
    spec = StreamSpec(features=["rooms", "age"], target="price", key="store")
    assert predict(X, spec).shape == (3, 2)
    assert predict(X, spec, 7)[:, 2].tolist() == [7, 7, 7]
    with pytest.raises(Invalid, match="has no key that is not a feature"):
        predict(X, key=7)


def test_rows_that_were_pushed_are_not_what_the_user_goes_on_to_change() -> None:
    given = sparse_rows([3, 70], [1, 2], [2])
    matrix = scipy.sparse.csr_matrix(([1.0, 2.0], ([0, 0], [3, 70])), shape=(1, 100))
    targets = np.array([5.0])
    taken = [push(given, targets, SPARSE), push(matrix, targets, SPARSE)]
    for part in (given.columns, given.values, given.ends, matrix.indices, matrix.data, matrix.indptr, targets):
        part[:] = 0
    assert [plain(rows) for rows in taken] == 2 * [([3, 70], [1, 2], [2], [5], None)]


@pytest.mark.parametrize("seed", range(30))
def test_sparse_rows_are_put_in_order_and_repeated_columns_added_up_as_they_came(seed: int) -> None:
    chance = np.random.default_rng(seed)
    counts = chance.integers(0, 40, 7)
    columns = chance.integers(0, 12, counts.sum()).astype(np.uint32)
    values = chance.normal(size=counts.sum()) * 10.0 ** chance.integers(-9, 9, counts.sum())
    rows = in_order("s", SparseRows(columns, values, np.cumsum(counts).astype(np.uint32)), 12)
    begin = 0
    for i, end in enumerate(np.cumsum(counts)):
        sums: dict[int, float] = {}
        for column, value in zip(columns[begin:end].tolist(), values[begin:end].tolist(), strict=True):
            sums[column] = sums[column] + value if column in sums else value
        begin = end
        row = rows[i:i + 1]
        assert list(zip(row.columns.tolist(), row.values.tolist(), strict=True)) == sorted(sums.items())


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X, "has sparse rows: give X as a scipy.sparse matrix"),
        (sparse_rows([3, 4], [1], [2]), "2 features have 1 values"),
        (sparse_rows([3], [1], [2]), "the ends of the rows do not rise"),
        (sparse_rows([3, 4], [1, 2], [2, 1]), "the ends of the rows do not rise"),
        (sparse_rows([100], [1], [1]), "feature 100 is not below the dimension, 100"),
        (sparse_rows([0] * 65_537, [0] * 65_537, [65_537]), "a row has at most 65536 values, not 65537"),
    ],
)
def test_what_cannot_be_sparse_rows_is_refused(x: Any, message: str) -> None:
    with pytest.raises(Invalid, match=f"stream 'homes'.*{message}"):
        push(x, 1.0, SPARSE)


def test_hashed_features_stand_where_they_always_did() -> None:
    """Streams that are stored depend on these, which are those of tests/client/sparse_row_test.cpp."""
    known = {"": 824_467, "good": 283_258, "price:USD": 91_139, "größe": 324_944}
    assert {name: hashed_feature(name, 1_048_576) for name in known} == known
    assert hashed_feature("größe", 1_000) == 856
    with pytest.raises(Invalid):
        hashed_feature("a", 0)


def test_learned_cuts_share_keys_evenly_and_leave_no_partition_without() -> None:
    assert learned_cuts([8, 1, 7, 2, 6, 3, 5, 4], 4) == [3, 5, 7]
    assert learned_cuts([1, 2, 3, 4, 4, 4, 4, 5], 2) == [4]
    assert learned_cuts([1, 1, 1, 1, 2, 3], 3) == [2, 3]
    assert learned_cuts([1, 2, 3, 3, 3, 3], 3) == [2, 3]
    assert learned_cuts([1.5], 1) == []
    with pytest.raises(Invalid, match="3 partitions cannot be cut from 2 different values"):
        learned_cuts([1, 1, 2], 3)
    with pytest.raises(Invalid, match="not finite"):
        learned_cuts([1, np.nan], 2)
