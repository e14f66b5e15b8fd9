"""Fixtures for a retailer's own CI: a running shop with simulated devices."""
