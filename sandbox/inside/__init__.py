"""Code of the untrusted side; worker.py sends it to a fresh interpreter as text."""
