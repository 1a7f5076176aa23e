"""Random customers, for months of the sandbox's time: every figure they see must be that of its own arithmetic.

A seed decides all: the customers' stories, the moments, the faults, the fate of each webhook. Each customer draws from
a source of chance of its own, so a story stays the same with fewer customers beside it, and a failure can be shrunk.
"""
