"""A binding remembers by which loan of a wristband it was made."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0023"
down_revision: Final = "0022"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    op.add_column("binding", sa.Column("band_loan_id", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("binding", "band_loan_id")
