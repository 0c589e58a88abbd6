"""The Redshift warehouse. One transaction makes a batch visible, in all tables or in none.

Rows are replaced, not versioned: readers see one state, the newest batch's. Read :mod:`publish` first, then
:mod:`versions`, :mod:`staging`, :mod:`migrate`; :mod:`tables`, :mod:`differences`, :mod:`alters`, :mod:`copy_options`
and :mod:`failures` are pure.
"""

from sluice.warehouse.redshift.warehouse import Redshift

__all__ = ["Redshift"]
