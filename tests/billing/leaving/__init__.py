"""Taking the data along, and closing."""
