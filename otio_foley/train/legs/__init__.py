"""Legs without a body: pictures of them, and the network that sees them."""
