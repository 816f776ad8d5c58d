"""The complexity linter behind `neox verify`: files in, findings and bounds out.

Imports neither torch nor numpy nor sympy; only `--check` starts a sandbox.
"""
