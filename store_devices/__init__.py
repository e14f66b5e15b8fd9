"""What runs in the shop: tablet, scanner, camera, uplink. Needs no library of the server."""
