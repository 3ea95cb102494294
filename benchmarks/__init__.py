"""Speed, as ratios measured in one run. Nothing here is a test, and no test asserts a time."""
