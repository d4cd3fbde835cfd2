"""Coverage-guided fuzzing of what reads a mail server's words. `make fuzz` runs it; the tests replay the corpus."""
