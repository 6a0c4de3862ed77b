"""Teaching the generator and its vocoder."""
