"""Bytes beside the database: one small port, in a folder or in S3."""
