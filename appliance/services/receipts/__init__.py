"""What a person reads of a study: what was found, how long it took and why, pictures of the stored results."""
