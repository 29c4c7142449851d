"""Tests of HBNB."""
