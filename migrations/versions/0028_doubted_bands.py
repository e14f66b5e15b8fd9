"""A band may be doubted: two answer to its number. And findings of lost and of copied bands."""

from typing import Final

from alembic import op

revision: Final = "0028"
down_revision: Final = "0027"
branch_labels: Final = None
depends_on: Final = None

KINDS: Final = "'flooding', 'cloned', 'forked', 'elsewhere'"
STATES: Final = "'drawer', 'out', 'lost', 'retired'"


def _allow(kinds: str, states: str) -> None:
    with op.batch_alter_table("device_finding", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_device_finding_kind"), type_="check")
        batch_op.create_check_constraint(op.f("ck_device_finding_kind"), f"kind IN ({kinds})")
    with op.batch_alter_table("wristband", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_wristband_state"), type_="check")
        batch_op.create_check_constraint(op.f("ck_wristband_state"), f"state IN ({states})")


def upgrade() -> None:
    _allow(f"{KINDS}, 'lost_band', 'copied_band'", "'drawer', 'out', 'doubted', 'lost', 'retired'")


def downgrade() -> None:
    # What the schema before knows: a doubted band is out, as it was; such findings there are none.
    op.execute("DELETE FROM device_finding WHERE kind IN ('lost_band', 'copied_band')")
    op.execute("UPDATE wristband SET state = 'out' WHERE state = 'doubted'")
    _allow(KINDS, STATES)
