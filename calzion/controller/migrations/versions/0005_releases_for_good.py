"""versions of secrets, and what releases need to be gone back to"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("releases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("secrets", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("changes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("act", sa.String(length=160), nullable=False, server_default=""))

    op.rename_table("secrets", "old_secrets")
    op.create_table(
        "secrets",
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("version"),
        sqlite_autoincrement=True,
    )
    op.create_index("secrets_deployment", "secrets", ["deployment_id"])
    op.execute(
        "INSERT INTO secrets (deployment_id, name, ciphertext, changed, newest)"
        " SELECT deployment_id, name, ciphertext, changed, true FROM old_secrets ORDER BY deployment_id, name"
    )
    op.drop_table("old_secrets")
    _give_to_releases()


def _give_to_releases() -> None:
    """Until now there was one value a name: every release ran with it."""
    connection = op.get_bind()
    versions: dict[int, dict[str, int]] = {}
    for deployment, name, version in connection.execute(
        sa.text("SELECT deployment_id, name, version FROM secrets")
    ):
        versions.setdefault(deployment, {})[name] = version
    for deployment, known in versions.items():
        connection.execute(
            sa.text("UPDATE releases SET secrets = :known WHERE deployment_id = :deployment"),
            {"known": json.dumps(known), "deployment": deployment},
        )


def downgrade() -> None:
    op.rename_table("secrets", "new_secrets")
    op.create_table(
        "secrets",
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("deployment_id", "name"),
    )
    op.execute(
        "INSERT INTO secrets (deployment_id, name, ciphertext, changed)"
        " SELECT deployment_id, name, ciphertext, changed FROM new_secrets WHERE newest"
    )
    op.drop_table("new_secrets")
    with op.batch_alter_table("releases", schema=None) as batch_op:
        for column in ("secrets", "changes", "act"):
            batch_op.drop_column(column)
