"""A stand-alone Stripe and a stand-alone Claude over HTTP, for laptops, tests and demonstrations.

It is reached over HTTP alone: nothing imports it, and it imports no application.
"""
