"""Where devices meet the domain. Importing this package alone loads nothing."""
