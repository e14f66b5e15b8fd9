"""What a customer pays with by wristband: a balance of ours, a PIN, and limits of her own."""
