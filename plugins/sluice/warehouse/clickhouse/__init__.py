"""The ClickHouse warehouse. It has no transactions over several statements, so visibility is made by data.

Every row carries the batch that wrote it and the batch that closed it; readers see what is visible at the newest
commit record, through two views (:mod:`schema`). Read :mod:`publish` first, then :mod:`fence`, :mod:`recover`,
:mod:`versions`; :mod:`tables`, :mod:`differences` and :mod:`landed` are pure.
"""

from sluice.warehouse.clickhouse.landed import bucket_address
from sluice.warehouse.clickhouse.warehouse import ClickHouse

__all__ = ["ClickHouse", "bucket_address"]
