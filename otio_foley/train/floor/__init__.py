"""Learning to tell floors apart."""
