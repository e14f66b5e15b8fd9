"""The smart mirror: how it sees a turn, keeps it in memory, and lets it go.

Pure modules: none opens a device, a file or a connection.
"""
