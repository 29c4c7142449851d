"""Shipping HBNB to its servers: what `fabfile.py` is made of. Nothing of the application is imported here."""
