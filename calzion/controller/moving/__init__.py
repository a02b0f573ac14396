"""A deployment as a file: what an export writes, and an import makes a deployment of."""
