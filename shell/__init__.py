"""What the console is made of, beside its commands: reading words, showing objects, the terminal."""
