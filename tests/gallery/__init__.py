"""Every page as people see it: screenshots to look at, and checks of what a person would stumble over."""
