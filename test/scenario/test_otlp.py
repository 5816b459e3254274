"""Traces and metrics by OTLP: what arrives is read as strictly as proto3's JSON mapping is written."""
import json
import re
import threading

import pytest
from node import Node
from pages import Page, Pages
from world import until, write_fleet

# Messages of opentelemetry-proto, as far as they are used: field -> type; [type] is repeated.
HEX = {"trace": re.compile(r"[0-9a-f]{32}"), "span": re.compile(r"[0-9a-f]{16}")}
MESSAGES = {
    "Traces": {"resourceSpans": ["ResourceSpans"]},
    "ResourceSpans": {"resource": "Resource", "scopeSpans": ["ScopeSpans"]},
    "ScopeSpans": {"scope": "Scope", "spans": ["Span"]},
    "Resource": {"attributes": ["KeyValue"]},
    "Scope": {"name": "string", "version": "string"},
    "KeyValue": {"key": "string", "value": "AnyValue"},
    "AnyValue": {"stringValue": "string", "intValue": "int64"},
    "Span": {"traceId": "trace", "spanId": "span", "parentSpanId": "span", "name": "string", "kind": "enum",
             "startTimeUnixNano": "int64", "endTimeUnixNano": "int64", "attributes": ["KeyValue"],
             "events": ["Event"], "status": "Status"},
    "Event": {"timeUnixNano": "int64", "name": "string"},
    "Status": {"code": "enum", "message": "string"},
    "Metrics": {"resourceMetrics": ["ResourceMetrics"]},
    "ResourceMetrics": {"resource": "Resource", "scopeMetrics": ["ScopeMetrics"]},
    "ScopeMetrics": {"scope": "Scope", "metrics": ["Metric"]},
    "Metric": {"name": "string", "description": "string", "unit": "string", "gauge": "Gauge", "sum": "Sum",
               "histogram": "Histogram"},
    "Gauge": {"dataPoints": ["Number"]},
    "Sum": {"dataPoints": ["Number"], "aggregationTemporality": "enum", "isMonotonic": "bool"},
    "Histogram": {"dataPoints": ["HistogramPoint"], "aggregationTemporality": "enum"},
    "Number": {"attributes": ["KeyValue"], "startTimeUnixNano": "int64", "timeUnixNano": "int64",
               "asInt": "int64", "asDouble": "double"},
    "HistogramPoint": {"attributes": ["KeyValue"], "startTimeUnixNano": "int64", "timeUnixNano": "int64",
                       "count": "int64", "sum": "double", "bucketCounts": ["int64"], "explicitBounds": ["double"]},
}


def is_scalar(kind, value):
    if kind in HEX:
        return isinstance(value, str) and bool(HEX[kind].fullmatch(value)) and set(value) != {"0"}
    if kind == "int64":     # as text: JSON's numbers are not exact beyond 53 bits
        return isinstance(value, str) and bool(re.fullmatch(r"-?\d{1,19}", value))
    kinds = {"string": str, "bool": bool, "enum": int, "double": (int, float)}
    return isinstance(value, kinds[kind]) and (kind == "bool" or not isinstance(value, bool))


def check(kind, value, where=""):
    if isinstance(kind, list):
        assert isinstance(value, list), where
        for each in value:
            check(kind[0], each, where)
    elif kind in MESSAGES:
        assert isinstance(value, dict), where
        for field, inner in value.items():
            assert field in MESSAGES[kind], f"{where}: {kind} has no field {field}"
            check(MESSAGES[kind][field], inner, f"{where}.{field}")
    else:
        assert is_scalar(kind, value), f"{where}: {value!r} is no {kind}"


def attributes(row):
    return {a["key"]: next(iter(a["value"].values())) for a in row["attributes"]}


class Collector:
    def __init__(self):
        self.spans, self.metrics, self.wrong, self.status = [], {}, [], 200
        self.changed = threading.Condition()
        outer = self

        class Door(Page):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer.changed:
                    if outer.status == 200:
                        outer.take(self.path, self.headers["content-type"], body)
                    outer.changed.notify_all()
                self.send_response(outer.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

        self.server = Pages(Door).begin()
        self.url, self.close = self.server.url, self.server.drop

    def take(self, path, kind, body):
        try:
            assert kind == "application/json", kind
            check({"/v1/traces": "Traces", "/v1/metrics": "Metrics"}[path], body)
        except AssertionError as error:
            self.wrong.append(str(error))
            return
        for resource in body.get("resourceSpans", []):
            assert attributes(resource["resource"])["service.name"] == "tampu"
            self.spans += [s for scope in resource["scopeSpans"] for s in scope["spans"]]
        for resource in body.get("resourceMetrics", []):
            self.metrics = {m["name"]: m for scope in resource["scopeMetrics"] for m in scope["metrics"]}


@pytest.fixture
def collector():
    made = Collector()
    yield made
    made.close()


def serve(start, nodes, collector, tmp_path):
    nodes.append(Node("a"))
    fleet = write_fleet(tmp_path, nodes, {"a": ["qwen3:8b"]})
    gateway = start("serve", fleet, "--state", tmp_path / "state", "--otlp", collector.url, "--otlp-every", "300ms")
    gateway.until_logged("engine_up", engine="a/ollama")
    return gateway


def ask(gateway, model="qwen3:8b", **headers):
    return gateway.post("/v1/chat/completions", {"model": model, "messages": [
        {"role": "user", "content": "hi"}]}, **headers)


def span_of(collector, answer):
    def found():
        return [s for s in list(collector.spans)
                if attributes(s)["tampu.request_id"] == answer.headers["x-tampu-request-id"]]
    return until(found, "its span", collector.changed)


def test_a_request_is_a_span_of_its_callers_trace_and_is_counted(start, nodes, collector, tmp_path):
    gateway = serve(start, nodes, collector, tmp_path)
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    spans = span_of(collector, ask(gateway, traceparent=f"00-{trace}-{parent}-01"))
    assert len(spans) == 1 and (spans[0]["traceId"], spans[0]["parentSpanId"]) == (trace, parent)
    told = attributes(spans[0])
    assert spans[0]["name"] == "chat qwen3:8b" and told["gen_ai.operation.name"] == "chat"
    assert (told["server.address"], told["gen_ai.usage.output_tokens"], told["http.response.status_code"]) == ("a", "2", "200")
    assert int(spans[0]["startTimeUnixNano"]) < int(spans[0]["endTimeUnixNano"])
    refused = span_of(collector, ask(gateway, "nobody", traceparent="00-" + "0" * 32 + "-x-01"))[0]
    assert "parentSpanId" not in refused and refused["status"]["code"] == 2
    assert attributes(refused)["error.type"] == refused["status"]["message"] == "unknown_model"
    assert refused["traceId"].endswith(attributes(refused)["tampu.request_id"][1:])

    def counted():
        points = collector.metrics.get("tampu_requests_total", {"sum": {"dataPoints": []}})["sum"]["dataPoints"]
        return {attributes(p)["status"]: p["asInt"] for p in points} == {"2xx": "1", "4xx": "1"}

    until(counted, "both are counted", collector.changed)
    point = collector.metrics["tampu_request_seconds"]["histogram"]["dataPoints"][0]
    assert sum(map(int, point["bucketCounts"])) == int(point["count"]) == 2
    assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
    until(lambda: gateway.counter("otlp_spans_total", {"result": "sent"}) >= 2, "both are sent")
    assert collector.wrong == []


def test_a_collector_that_is_away_holds_up_nobody_and_gets_its_spans_later(start, nodes, collector, tmp_path):
    gateway = serve(start, nodes, collector, tmp_path)
    collector.status = 503
    asked = [ask(gateway) for _ in range(3)]
    assert [a.status for a in asked] == [200] * 3
    gateway.until_logged("otlp_failed")
    until(lambda: gateway.counter("otlp_posts_total", {"signal": "traces", "result": "failed"}) >= 1, "a post that failed")
    collector.status = 200
    assert [len(span_of(collector, a)) for a in asked] == [1] * 3
    assert len(gateway.logged("otlp_failed")) == 1 and collector.wrong == []
