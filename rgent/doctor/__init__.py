"""The doctor: looks at an installation before it goes live, and whenever something is odd, and says what it lacks."""
