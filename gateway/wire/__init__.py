"""The device contract: topics, messages and codec. No MQTT client in here.

Devices, the gateway and the simulator all import this and nothing deeper.
Version 1 is in every topic; a change that an old device would not understand
is version 2 beside it.
"""
