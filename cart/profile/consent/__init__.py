"""What a person has allowed: a ledger of decisions, and the gate that whoever uses them asks."""
