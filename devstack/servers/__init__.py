"""The servers of a stack. A new one is one class in a module of its own, and one entry here."""

from __future__ import annotations

from devstack.servers.airflow import Airflow
from devstack.servers.base import Place, Server
from devstack.servers.clickhouse import ClickHouse
from devstack.servers.mongod import Mongod
from devstack.servers.redshift import Redshift
from devstack.servers.s3 import S3

__all__ = ["S3", "SERVERS", "Airflow", "ClickHouse", "Mongod", "Place", "Redshift", "Server"]

SERVERS: tuple[Server, ...] = (Mongod(), S3(), ClickHouse(), Redshift(), Airflow())
