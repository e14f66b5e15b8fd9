"""Which visit on which device belongs to which shopper session."""
