"""A ClickHouse server for demo, tests and benchmarks: ClickHouse's HTTP interface over the in-process chdb engine.

``python -m devstack.clickhouse --help``; what it is and what it is not: ``README.md`` beside this file.
"""
