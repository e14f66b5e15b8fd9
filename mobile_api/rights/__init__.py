"""What a person may ask of the shop about her own data."""
