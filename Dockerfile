# The operator's image, for linux/amd64 and linux/arm64: docker build -t REGISTRY/customimage-operator:0.1.0 .
# --build-arg COMMIT=$(git rev-parse HEAD) puts the commit into it.
# `make image` makes the same one without a container engine; tests/image/check compares the two.

# The digest is the one of the index for all architectures. It stays the same when the tag is moved: change both together.
FROM rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082 AS build
RUN apt-get update && \
    apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev make python3 && \
    rm -r /var/lib/apt/lists
ARG COMMIT=unknown
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/source/target,sharing=locked \
    cp "$(CUSTOMIMAGE_COMMIT=$COMMIT tests/image/release --bin customimage-operator)/customimage-operator" / && \
    tests/image/sbom > /customimage-operator.cdx.json && \
    tests/image/licences > /THIRD-PARTY.txt

FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="customimage-operator" \
      org.opencontainers.image.description="Mirrors AWS ParallelCluster custom images into Kubernetes, read-only" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /THIRD-PARTY.txt /usr/share/licenses/customimage-operator/THIRD-PARTY.txt
COPY --from=build /customimage-operator.cdx.json /usr/share/sbom/customimage-operator.cdx.json
COPY --from=build /customimage-operator /customimage-operator
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/customimage-operator"]
