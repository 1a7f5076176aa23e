"""Template tags of billing's pages."""
