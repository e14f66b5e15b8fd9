"""A mirror's camera without hardware: draws people who turn, and knows how far they have."""
