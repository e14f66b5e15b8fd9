"""The database's history: one file per change under versions/, run by ``cart.db.migrate``."""
