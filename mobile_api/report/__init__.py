"""The report for marketers and managers: a page, tables as CSV and Parquet, and the command."""
