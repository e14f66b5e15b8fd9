"""Values, clock, ids, errors and languages. Owns no state and imports no framework but pydantic."""
