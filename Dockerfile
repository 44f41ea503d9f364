# Two stages: build with Cargo's `dist` profile, run as a user without rights on an image without a shell.

FROM rust:1.95-bookworm AS build
WORKDIR /src
# rust-toolchain.toml stays out: the image's own toolchain builds.
COPY Cargo.toml Cargo.lock build.rs ./
COPY .cargo .cargo
COPY crates crates
COPY src src
COPY templates templates
COPY static static
COPY locales locales
COPY migrations migrations
RUN cargo build --profile dist --locked --bin modelgate \
    && install -d -m 0700 /out/data \
    && install -m 0755 target/dist/modelgate /out/modelgate

# glibc, the certificate authorities and the time zones, nothing else.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/modelgate /usr/local/bin/modelgate
COPY --from=build --chown=65532:65532 /out/data /data
ENV HOST=0.0.0.0 \
    PORT=8765 \
    DATA_DIR=/data \
    LOG_FORMAT=json
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8765
USER 65532:65532
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/modelgate", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/modelgate"]
CMD ["serve"]
