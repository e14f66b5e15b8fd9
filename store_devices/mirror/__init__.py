"""The smart mirror: how it sees a turn, keeps it in memory, lets it go, or brings it home.

What sees is pure: it opens no device, no file and no connection. ``uploading`` speaks HTTP.
"""
