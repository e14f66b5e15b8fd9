"""What is kept of people, table by table, and how a person's own rows are found."""
