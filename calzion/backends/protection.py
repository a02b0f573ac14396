"""What the embedded backend lacks on a machine, in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from calzion.backends.appliance import APPLIANCES
from calzion.host.facilities import COPY, Facilities


def missing(facilities: Facilities, versions: Mapping[str, str]) -> list[str]:
    """A sentence for everything that is missing or not protected; `versions` are of the appliances' servers."""
    sentences = []
    if not facilities.sandbox:
        sentences.append(
            "bubblewrap is missing or may not make namespaces: nothing can be built or started. "
            "Install the package bubblewrap, and allow user namespaces where Calzion is not root."
        )
    if not facilities.root:
        sentences.append(
            "Calzion is not root: all deployments run as one user, who can reach the processes, memory and volumes "
            "of each of them from outside the sandboxes."
        )
    if facilities.cgroups is None:
        sentences.append(
            "Control groups can't be made: memory is limited for each process alone, and running out of memory is "
            "not recognized."
        )
    if facilities.layers == COPY:
        sentences.append(
            "Overlay file systems can't be mounted: every instance copies its slug, which is slower."
        )
    sentences += [
        f"There is no {name} server: install {name}, or Calzion with its extra 'embedded'."
        for name in APPLIANCES
        if name not in versions
    ]
    return sentences
