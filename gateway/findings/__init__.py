"""What is odd about a device and wants an operator's eye: floods, clones, foreign places."""
