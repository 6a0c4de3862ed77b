"""Final Cut Pro XML, 1.0 to 1.14."""
