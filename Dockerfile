# Millrace's images: targets `broker` and `operator`.
#
#   docker build --target broker -t millrace-broker .
#   docker build --target operator -t millrace-operator .
#
# The build needs Debian 12: BASE_IMAGE is what it happens in. The images themselves hold the program, the libraries that it is
# linked to and nothing else, no shell among them; RUNTIME_IMAGE puts them on another base. `make images` gives them binaries
# that are built already (BINARIES=prebuilt), which takes seconds.
ARG BASE_IMAGE=debian:bookworm-slim
ARG RUNTIME_IMAGE=scratch

FROM ${BASE_IMAGE} AS build
ARG BINARIES=source
WORKDIR /src
COPY . .
RUN deploy/images/build_stage "${BINARIES}"

FROM ${RUNTIME_IMAGE} AS broker
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="millrace-broker" \
      org.opencontainers.image.description="Kafka-compatible log and replication engine" \
      org.opencontainers.image.vendor="Millrace" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /runtime/broker/ /
# Of group 0, so that a platform that picks the user id, and gives it that group, can write here too.
COPY --from=build --chown=10001:0 /runtime/data/ /var/lib/
USER 10001:10001
EXPOSE 9092 9404
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/millrace-broker"]
CMD ["/etc/millrace/server.properties"]

FROM ${RUNTIME_IMAGE} AS operator
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="millrace-operator" \
      org.opencontainers.image.description="Kubernetes operator that runs Millrace clusters" \
      org.opencontainers.image.vendor="Millrace" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /runtime/operator/ /
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/bin/millrace-operator"]
