"""OHIF, the viewer: its files behind our login, its configuration, and links that lead to a study in it."""
