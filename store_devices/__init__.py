"""What runs in the shop: tablet, scanner, camera, uplink. Installs without the server's libraries."""
