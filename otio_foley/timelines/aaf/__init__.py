"""AAF (Pro Tools, Avid), edited in place by pyaaf2."""
