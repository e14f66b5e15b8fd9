"""Load on a gateway: pre-encoded messages of many devices at a fixed rate, over real MQTT."""
