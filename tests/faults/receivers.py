"""What receives what Airflow tells, in the tests: a StatsD, an OpenTelemetry collector, a mail server."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

Figures = dict[str, float]
"""Counters are added up, of gauges and timings the last one counts."""


@contextmanager
def statsd() -> Iterator[tuple[int, Figures]]:
    """A port, and what arrived there: name → value."""
    found: Figures = Counter()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def receive() -> None:
            while data := listener.recv(65_535):
                for line in data.decode().splitlines():
                    name, _, rest = line.partition(":")
                    value, kind = rest.split("|")[:2]
                    found[name] = float(value) + (found[name] if kind == "c" else 0)

        thread = threading.Thread(target=receive)
        thread.start()
        yield listener.getsockname()[1], found
        listener.sendto(b"", listener.getsockname())
        thread.join()


@contextmanager
def collector() -> Iterator[tuple[int, Figures]]:
    """A port, and what arrived there: ``name{tag=value,…}`` → value. Expects deltas, not totals."""
    found: Figures = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            for name, value, adds in _points(ExportMetricsServiceRequest.FromString(body)):
                found[name] = value + (found[name] if adds else 0)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port, found
        server.shutdown()


def _points(request: ExportMetricsServiceRequest) -> Iterator[tuple[str, float, bool]]:
    for metric in (m for r in request.resource_metrics for scope in r.scope_metrics for m in scope.metrics):
        for point in (*metric.sum.data_points, *metric.gauge.data_points):
            yield _named(metric.name, point), point.as_double or point.as_int, metric.HasField("sum")
        for point in metric.exponential_histogram.data_points:
            yield _named(metric.name, point), point.sum, False


def _named(name: str, point: Any) -> str:
    tags = sorted(f"{tag.key}={tag.value.string_value}" for tag in point.attributes)
    return f"{name}{{{','.join(tags)}}}"


@contextmanager
def mail() -> Iterator[tuple[int, list[str]]]:
    """A port that takes mails without a login, and the mails that arrived."""
    found: list[str] = []

    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 ready\r\n")
            while line := self.rfile.readline().decode().strip().upper():
                self.wfile.write(b"354 go on\r\n" if line == "DATA" else b"250 well\r\n")
                if line == "DATA":
                    found.append(b"".join(iter(self.rfile.readline, b".\r\n")).decode())
                    self.wfile.write(b"250 taken\r\n")
                if line == "QUIT":
                    return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_address[1], found
        server.shutdown()
