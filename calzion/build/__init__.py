"""From source to slug: detection, Procfile, buildpacks in a sandbox, the store of slugs."""
