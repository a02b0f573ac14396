"""A backup of a whole server: where its pieces are in a directory or a tar archive, and what they say."""
