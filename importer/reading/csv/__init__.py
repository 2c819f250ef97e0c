"""CSV files, strictly and fast: bytes with legal quoting go to pyarrow as columns, bad records to an exact lexer."""
