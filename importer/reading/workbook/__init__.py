"""Workbooks: opened by a child process under limits, their cells as text with true row numbers."""
