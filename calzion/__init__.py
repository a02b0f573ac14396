"""Calzion: a self-hosted PaaS that rolls out every service of an application as one."""

__version__ = "0.1.0"
