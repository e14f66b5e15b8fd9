"""From a cart to an order that is paid: checkout, tenders, refunds, slots, history."""
