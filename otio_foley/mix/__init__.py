"""How loud it is: envelope, displacement and action layers, meters, peak limit. Pure functions."""
