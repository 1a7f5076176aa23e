"""Pages for people: Checkout, and the dashboard that shows what the sandbox holds."""
