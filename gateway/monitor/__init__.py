"""What an operator's machines ask a server process: does it live, can it work, what has it done."""
