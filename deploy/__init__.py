"""Deployment: the implementation of the tasks in `fabfile.py`. Imports nothing of the application but `errors`."""
