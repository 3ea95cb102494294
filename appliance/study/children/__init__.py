"""Foreign bytes are parsed and decoded in child processes: what kills one costs that one (DESIGN: decision 18)."""
