"""Faults on purpose: what a running broker must survive."""
