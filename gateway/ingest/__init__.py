"""Decode, authorise, de-duplicate, bind, apply, commit, and only then acknowledge."""
