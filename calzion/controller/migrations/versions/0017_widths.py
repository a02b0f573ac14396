"""widths that a database enforces: names of generated values, IPv4 addresses as unsigned numbers, named commits"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("generated", schema=None) as batch_op:
        batch_op.alter_column("name", existing_type=sa.String(length=128), type_=sa.String(length=255))
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.alter_column("address", existing_type=sa.Integer(), type_=sa.BigInteger())


def downgrade() -> None:
    with op.batch_alter_table("addresses", schema=None) as batch_op:
        batch_op.alter_column("address", existing_type=sa.BigInteger(), type_=sa.Integer())
    with op.batch_alter_table("generated", schema=None) as batch_op:
        batch_op.alter_column("name", existing_type=sa.String(length=255), type_=sa.String(length=128))
