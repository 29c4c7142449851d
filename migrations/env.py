"""What Alembic runs for each of its commands: the migrations, on the connection that `runner` gives."""
from alembic import context

context.configure(**context.config.attributes)
context.run_migrations()
