"""Mails: their templates, the ways to send them, and the worker's part of the outbox."""
