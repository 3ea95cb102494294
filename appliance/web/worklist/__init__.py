"""The worklist as people and programs ask for it: what is wanted, cursors, and what is pushed to open pages."""
