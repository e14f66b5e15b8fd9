"""Tables that others' rows refer to by name. SQLAlchemy looks them up when it writes such a row.

A server process has all tables; a command line that loads only what it needs imports this too.
"""

import cart.carts.tables
import cart.orders.tables
import cart.picking.tables
import cart.profile.tables  # noqa: F401 - imported for the tables that are declared there
