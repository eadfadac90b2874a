"""Measurements with goals: see run."""
