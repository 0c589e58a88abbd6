"""The watermark service's write side, as a workload: documents and tickets with their lifecycle, as messy as wanted.

``python -m devstack.publisher seed|burst|run|flat`` from a shell; from Python::

    publisher = Publisher(client, seed=7, mess=shares(0.01, {"big": 0.0001}))
    publisher.seed(200_000, 400_000)
    summary = publisher.burst(inserts=1_000, updates=2_000)

What a reader of the database can rely on, at every instant and with any number of publishers on a replica set:

- every ticket's document exists, and is not messy;
- a ticket is Finished only if its document is; a document that is Finished never changes its watermark again;
- every change of a document or ticket moves its ``updated_at`` to the publisher's clock, just before the write (the
  messy ones of kind ``modified`` are the exception, that is their point).
"""

from devstack.publisher.entities import DOCUMENTS, TICKETS, is_messy
from devstack.publisher.mess import KINDS, Mess, shares
from devstack.publisher.service import Publisher
from devstack.publisher.summary import Summary

__all__ = ["DOCUMENTS", "KINDS", "TICKETS", "Mess", "Publisher", "Summary", "is_messy", "shares"]
