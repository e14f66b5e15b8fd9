"""How pages and mails are rendered: templates, languages, asset names."""
