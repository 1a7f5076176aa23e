"""An organization on one page: tiles of figures, and short lists that lead to the long ones."""
