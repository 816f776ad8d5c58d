"""Decoding strategies, one file each."""
