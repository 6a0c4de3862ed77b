"""Making our own library of takes, and comparing it with real recordings."""
