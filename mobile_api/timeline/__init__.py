"""The timeline in the API: collected, kept for a time, told to CDPs."""
