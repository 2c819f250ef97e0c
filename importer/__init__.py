"""Gets customer data into a business system safely: read, check, compare, decide, apply, report."""

__version__ = "0.1.0"
