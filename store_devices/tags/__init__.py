"""RFID tags in a fitting room: which are brought in, and which hang outside."""
