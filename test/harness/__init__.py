"""What the test scripts share; Python's standard library alone."""
