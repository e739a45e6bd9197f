"""Every operation of /openapi.json is asked of a real accrued, and every answer is held to what the document says of it.

Run by pytest; ACCRUED is the daemon's program. Needs python3-jsonschema (Debian), for JSON Schema 2020-12.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Iterator

import jsonschema
import pytest

PROBLEM = "application/problem+json"
CSV = "rooms,age,price\n1,0,10\n2,0,20\n1,1,11\n2,1,21\n"


class Api:
    """A daemon, its description, and which operations of that were asked."""

    def __init__(self, url: str) -> None:
        self.url = url
        with urllib.request.urlopen(url + "/openapi.json") as answer:
            self.document: dict[str, Any] = json.load(answer)
        self.asked: set[tuple[str, str, str]] = set()

    def ask(self, method: str, template: str, *, status: int, body: Any = None, kind: str = "application/json",
            query: dict[str, str] | None = None, headers: dict[str, str] | None = None, **names: str) -> Any:
        """Asks, and gives the answer when it is as described."""
        path = re.sub(r"{(\w+)}", lambda match: names[match[1]], template)
        if query:
            path += "?" + urllib.parse.urlencode(query)
        data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=headers or {})
        if data is not None:
            request.add_header("Content-Type", kind)
        try:
            answer = urllib.request.urlopen(request)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            operation = self.document["paths"][template][method.lower()]
            assert answer.status == status, answer.read()
            self._check_request(template, operation, body, kind, query or {}, headers or {}, status)
            return self._check_answer(method, template, operation, answer)

    def _check_request(self, template: str, operation: dict[str, Any], body: Any, kind: str, query: dict[str, str],
                       headers: dict[str, str], status: int) -> None:
        described = operation.get("parameters", []) + self.document["paths"][template].get("parameters", [])
        known = {(one["in"], one["name"]) for one in described}
        in_path = {name for where, name in known if where == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", template))
        if status >= 400:
            return  # it was to be wrong
        assert all(("query", name) in known for name in query)
        assert all(("header", name) in known for name in headers)
        if body is not None:
            schema = operation["requestBody"]["content"][kind]["schema"]
            self.check(body, schema)

    def _check_answer(self, method: str, template: str, operation: dict[str, Any], answer: Any) -> Any:
        responses = operation["responses"]
        which = str(answer.status) if str(answer.status) in responses else "default"
        self.asked.add((method, template, which))
        described = responses[which].get("content")
        text = answer.read()
        if described is None:
            assert text == b""
            return None
        kind = answer.headers["Content-Type"].split(";")[0]
        schema = described[kind]["schema"]
        if not kind.endswith("json"):
            return text.decode()
        value = json.loads(text)
        self.check(value, schema)
        if kind == PROBLEM:
            assert value["status"] == answer.status
        return value

    def check(self, value: Any, schema: dict[str, Any]) -> None:
        validator = jsonschema.Draft202012Validator({**schema, "components": self.document["components"]})
        validator.validate(value)


@pytest.fixture()
def api(tmp_path: Path) -> Iterator[Api]:
    accrued = os.environ.get("ACCRUED")
    assert accrued, "ACCRUED must be the path of the daemon's program: run `make test`"
    arguments = [accrued, "--data", str(tmp_path / "data"), "--listen", "tcp://127.0.0.1:0"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as daemon:
        assert daemon.stdout
        daemon.stdout.readline()
        url = daemon.stdout.readline().removeprefix("HTTP on ").strip()
        try:
            yield Api(url)
        finally:
            daemon.terminate()
    assert daemon.returncode == 0


def test_the_document_is_one_of_openapi(api: Api) -> None:
    assert api.document["openapi"].startswith("3.1.")
    operations = [operation for path in api.document["paths"].values() for method, operation in path.items()
                  if method != "parameters"]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for schema in api.document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(api.document)))
    assert used == set(api.document["components"]["schemas"])


def test_every_operation_answers_as_described(api: Api) -> None:
    stream = "/v1/streams/{stream}"
    homes = {"stream": "homes"}
    spec = {"name": "homes", "features": ["rooms", "age"], "target": "price", "id": "visit", "partition_by": "hash",
            "label_ttl_rows": 1000, "models": [{"name": "flat", "settings": {"intercept": False}}]}
    api.ask("POST", "/v1/streams", status=201, body=spec)
    api.ask("DELETE", stream, status=204, **homes)
    spec = {"name": "homes", "features": ["rooms", "age"], "target": "price"}
    api.ask("POST", "/v1/streams", status=201, body=spec)
    api.ask("POST", "/v1/streams", status=200, body=spec)
    api.ask("POST", "/v1/streams", status=409, body={**spec, "ridge": 1})
    api.ask("GET", stream + "/coef", status=409, **homes)
    api.ask("POST", stream + "/rows", status=200, body={"rows": [[1, 2, 3], {"rooms": 1, "age": 2, "price": 3}, [1]]},
            **homes)
    api.ask("POST", stream + "/rows", status=200, body=CSV, kind="text/csv", headers={"Idempotency-Key": "k"}, **homes)
    api.ask("POST", stream + "/rows", status=200, body="[1,2,3]\n", kind="application/x-ndjson", **homes)
    api.ask("POST", stream + "/rows", status=422, body={"rows": [[1]]}, **homes)
    question = {"rows": [[1, 2], {"rooms": 1, "age": 2}], "interval": 0.95}
    answer = api.ask("POST", stream + "/predict", status=200, body=question, **homes)
    api.ask("POST", stream + "/predict", status=200, body={"row": [1, 2], "epoch": answer["epoch"]}, **homes)
    api.ask("POST", stream + "/predict", status=422, body={}, **homes)
    api.ask("POST", stream + "/models", status=201, body={"name": "robust", "learner": "sgd"}, **homes)
    api.ask("POST", stream + "/models", status=409, body={"name": "robust"}, **homes)
    api.ask("GET", stream + "/models", status=200, **homes)
    api.ask("POST", stream + "/models/{model}/promote", status=200, model="robust", **homes)
    api.ask("POST", stream + "/models/{model}/promote", status=404, model="nobody", **homes)
    api.ask("DELETE", stream + "/models/{model}", status=200, model="least_squares", **homes)
    api.ask("DELETE", stream + "/models/{model}", status=404, model="least_squares", **homes)
    api.ask("POST", stream + "/rollback", status=200, body={"epoch": answer["epoch"]}, **homes)
    api.ask("POST", stream + "/rollback", status=404, body={"epoch": 1_000_000}, **homes)
    api.ask("GET", stream + "/coef", status=200, query={"model": "least_squares"}, **homes)
    api.ask("GET", stream + "/metrics", status=200, query={"model": "least_squares"}, **homes)
    api.ask("GET", stream + "/metrics/history", status=200, query={"span": "epoch", "from_epoch": "1"}, **homes)
    api.ask("GET", stream + "/epochs", status=200, **homes)
    api.ask("GET", stream, status=200, **homes)
    api.ask("GET", "/v1/streams", status=200)
    api.ask("GET", "/v1/status", status=200)
    api.ask("GET", "/healthz", status=200)
    api.ask("GET", "/readyz", status=200)
    assert "accrue_build_info" in api.ask("GET", "/metrics", status=200)
    api.ask("GET", "/openapi.json", status=200)
    for suffix in ("", "/coef", "/metrics", "/metrics/history", "/epochs", "/models"):
        api.ask("GET", stream + suffix, status=404, stream="nowhere")
    api.ask("DELETE", stream, status=404, stream="nowhere")
    api.ask("GET", "/v1/events", status=404, query={"stream": "nowhere"})
    for path in ("/v1/streams", "/v1/status"):
        api.ask("GET", path, status=400, query={"no": "such"})
    expected = {(method.upper(), path, status) for path, operations in api.document["paths"].items()
                for method, operation in operations.items() if method != "parameters"
                for status in operation["responses"]}
    # What a test from outside has no way to: an endless answer, and a daemon that fails.
    apart = {("GET", "/v1/events", "200"), ("GET", "/healthz", "default"), ("GET", "/readyz", "default"),
             ("GET", "/metrics", "default"), ("GET", "/openapi.json", "default")}
    assert expected - api.asked == apart
