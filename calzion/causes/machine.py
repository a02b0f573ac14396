"""What the machine did not give: memory, disk, network, or the right to write."""

from __future__ import annotations

from calzion.causes.cause import Cause
from calzion.causes.facts import Facts, Phase
from calzion.causes.rule import BUILDING, RUNNING, rule

_NETWORK = "see whether the server reaches it; builds get the server's proxy settings"
_HEAP = "set NODE_OPTIONS: --max-old-space-size=MEGABYTES under 'env:' of {service}, or let it need less"
_VOLUME = "write to /tmp or below /app; what must be kept needs a volume ('volumes: {{data: /app/data}}')"


def out_of_memory(facts: Facts) -> Cause | None:
    if not (facts.exit and facts.exit.oom):
        return None
    if facts.phase is Phase.BUILD:
        return Cause("it ran out of memory", "the setting build-memory says how much a build may take")
    return Cause(
        "it needs more memory than it may take",
        "start fewer workers or threads ('gunicorn --workers 2', WEB_CONCURRENCY under 'env:'), or have whoever runs"
        f" the server raise the limit of {facts.service}",
    )


RULES = (
    rule(
        r"JavaScript heap out of memory|Reached heap limit",
        "Node ran out of memory for its heap",
        _HEAP,
    ),
    rule(
        r"No space left on device|\bENOSPC\b|Disk quota exceeded",
        "the disk is full",
        "free some space on the server, or have whoever runs it do so; then push again",
    ),
    rule(
        r"Read-only file system|\bEROFS\b",
        "it writes to a place that is read-only",
        _VOLUME,
        phases=RUNNING,
    ),
    rule(
        r"CERTIFICATE_VERIFY_FAILED|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:GET_ISSUER|VERIFY_LEAF)\w+"
        r"|self[- ]signed certificate|invalid peer certificate|unable to get local issuer certificate",
        "the certificate of a server that it asks is not trusted here",
        "have the authority's certificate installed on the server (update-ca-certificates), or name its file in"
        " SSL_CERT_FILE and NODE_EXTRA_CA_CERTS",
    ),
    rule(
        r"(?:Could not resolve host: (?P<host>[\w.-]+)|getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (?P<other>[\w.-]+))",
        "the build does not reach {host}{other}",
        _NETWORK,
        phases=BUILDING,
    ),
    rule(
        r"(?:Failed to fetch|error sending request for url \(|network request to)[ :(]*`?https?://(?P<host>[^/\s`]+)"
        r"[\s\S]{0,600}?(?:dns error|failed to lookup address|timed out|[Cc]onnection refused|ENOTFOUND)",
        "the build does not reach {host}",
        _NETWORK,
        phases=BUILDING,
    ),
    rule(
        r"Temporary failure in name resolution|Name or service not known|network is unreachable|Network is unreachable"
        r"|\bETIMEDOUT\b|All attempts to connect to \S+ failed",
        "the build does not reach the network",
        _NETWORK,
        phases=BUILDING,
    ),
    rule(
        r"^MemoryError$|Cannot allocate memory|std::bad_alloc|\bENOMEM\b",
        "it ran out of memory",
        "let it need less, or have whoever runs the server raise its limit",
    ),
)
