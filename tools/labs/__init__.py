"""How labs are derived from their solutions and handed out."""
