"""rejections.xlsx: what it shows is made beside the database, what it is made of is written without pyarrow."""
