# whyred as a container: one static-enough program in an image without a shell. Built by: docker build -t whyred .
FROM docker.io/library/rust:1.94-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release --bin whyred && install -D target/release/whyred /out/whyred && install -d /out/data

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="whyred" \
      org.opencontainers.image.description="Why is the build red? Reads the log of a failed Bazel or Nix build and says the root cause, the proof and the fix." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/whyred /usr/local/bin/whyred
COPY --from=build --chown=nonroot:nonroot /out/data /data
USER 65532:65532
ENV WHYRED_LISTEN=0.0.0.0:8080 \
    WHYRED_DATA=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=6s --start-period=10s CMD ["/usr/local/bin/whyred", "health"]
# On 0.0.0.0 a token is asked for: set WHYRED_TOKEN, or WHYRED_PUBLIC=true.
ENTRYPOINT ["/usr/local/bin/whyred"]
CMD ["serve"]
