"""Where a shopper's phones let themselves be rung, and what they are to be told there."""
