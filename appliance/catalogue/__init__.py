"""Model packages on disk: manifests, files and their hashes, recipes."""
