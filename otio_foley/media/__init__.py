"""The only package that opens picture and sound files."""
