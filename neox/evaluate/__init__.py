"""Benchmarks, one file each, and the arithmetic of pass@k."""
