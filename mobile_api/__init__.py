"""What a shopper's phone talks to: pages, API, live updates and mails. Rules live in ``cart``."""
