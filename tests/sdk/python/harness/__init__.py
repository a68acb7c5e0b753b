"""What the suites share: a running server, signed clients, and small worlds to test in."""
