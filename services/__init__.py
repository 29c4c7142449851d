"""The business logic of HBNB, independent of HTTP and terminals.

Every front end calls these modules, and presents the results in its own form.
"""
