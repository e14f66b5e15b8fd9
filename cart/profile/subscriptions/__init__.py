"""Marketers' mailing lists: topics, who has them, what was sent, whom nobody may write to."""
