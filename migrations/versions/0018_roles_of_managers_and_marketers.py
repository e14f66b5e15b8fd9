"""Staff may be managers and marketers."""

from typing import Final

from alembic import op

revision: Final = "0018"
down_revision: Final = "0015"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_staff_role"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_staff_role"), "role IN ('associate', 'lead', 'manager', 'marketer')"
        )


def downgrade() -> None:
    # Who was a manager is a lead, who was a marketer may do least: what the schema before knows.
    op.execute("UPDATE staff SET role = 'lead' WHERE role = 'manager'")
    op.execute("UPDATE staff SET role = 'associate', active = false WHERE role = 'marketer'")
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_staff_role"), type_="check")
        batch_op.create_check_constraint(op.f("ck_staff_role"), "role IN ('associate', 'lead')")
