"""Who a shopper is once she has proved it: customers, addresses, codes, what joined what."""
