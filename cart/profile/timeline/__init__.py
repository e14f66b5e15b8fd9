"""One append-only timeline per person: every touch with the shop, from all devices and pages."""
