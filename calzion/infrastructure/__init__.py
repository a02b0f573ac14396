"""The infrastructure file: how deployments map on the world. Pure."""

from calzion.infrastructure.declaration import Declaration, Domain, Target, Unit
from calzion.infrastructure.parse import parse_infrastructure

__all__ = ["Declaration", "Domain", "Target", "Unit", "parse_infrastructure"]
