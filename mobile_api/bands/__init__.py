"""Wristbands as people meet them: handing out at the welcome desk, and the shopper's own page."""
