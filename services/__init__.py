"""What HBNB can do. Nothing here knows of HTTP or terminals; each front end calls these and says
the answer its own way."""
