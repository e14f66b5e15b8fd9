"""The shop without hardware: simulated cameras, shoppers, faults and load. No server library."""
