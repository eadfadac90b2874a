"""Millrace on a real Kubernetes cluster: see run."""
