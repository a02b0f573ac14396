"""Fetches repositories and archives, in the sandbox: needs the standard library and git alone.

Addresses were checked before (calzion.template.address); what comes from them is hostile.
"""
