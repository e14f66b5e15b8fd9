"""Several gateways on one broker and one database: who works for which partition, and until when.

Owns members, leases and the MQTT sessions that hang on them. A gateway that is alone
needs none of it.
"""
