"""What a shopper allows, in her words: her page and API, and links that withdraw from a mail."""
