"""From a paid order to goods in hand: staff, pick tasks, the desk queue, handover, returns."""
