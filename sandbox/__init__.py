"""A stand-alone Stripe and a stand-alone Claude over HTTP, for laptops, tests and demonstrations."""
