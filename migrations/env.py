"""Alembic's environment script: it runs the migrations on the connection that `runner` passes."""
from alembic import context

context.configure(**context.config.attributes)
context.run_migrations()
