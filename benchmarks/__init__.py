"""Benchmarks of the importer: files, hand-written baselines, and the complete product side by side."""
