"""purchases are operations."""

from typing import Final

from alembic import op

revision: Final = "0006"
down_revision: Final = "0005"
branch_labels: Final = None
depends_on: Final = None


def upgrade() -> None:
    with op.batch_alter_table("cart_operation", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_cart_operation_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_cart_operation_kind"), "kind IN ('add', 'remove', 'set', 'bought')"
        )


def downgrade() -> None:
    # What was left is what a purchase set before: the fold of its own line says it.
    op.execute(
        "UPDATE cart_operation SET kind = 'set', quantity = COALESCE((SELECT l.quantity FROM"
        " cart_line AS l WHERE l.cart_id = cart_operation.cart_id AND l.gtin = cart_operation.gtin"
        "), 0) WHERE kind = 'bought'"
    )
    with op.batch_alter_table("cart_operation", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_cart_operation_kind"), type_="check")
        batch_op.create_check_constraint(
            op.f("ck_cart_operation_kind"), "kind IN ('add', 'remove', 'set')"
        )
