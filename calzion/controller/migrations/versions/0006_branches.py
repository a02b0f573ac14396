"""lifetimes and copies of deployments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("copying", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("ttl", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("expires", sa.Float(), nullable=True))
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("data_from", sa.String(length=63), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("ttl", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.drop_column("ttl")
        batch_op.drop_column("data_from")
    with op.batch_alter_table("deployments", schema=None) as batch_op:
        batch_op.drop_column("expires")
        batch_op.drop_column("ttl")
        batch_op.drop_column("copying")
