# The product alone: no sandbox, no tests. One image for web, worker and beat; docker-compose.yml says which.
FROM python:3.11.14-slim-bookworm AS dependencies

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.txt ./
# Hashes of everything, so that what runs is what was locked.
RUN python -m venv /venv && /venv/bin/pip install --require-hashes --only-binary :all: -r requirements.txt


FROM python:3.11.14-slim-bookworm

ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DEBUG=0 \
    VAR_DIR=/var/lib/rgent

RUN groupadd --system --gid 10001 rgent \
    && useradd --system --uid 10001 --gid rgent --home-dir /var/lib/rgent --create-home rgent

WORKDIR /app
COPY --from=dependencies /venv /venv
COPY manage.py ./
COPY rgent rgent
COPY common common
COPY accounts accounts
COPY billing billing
COPY chat chat
COPY templates templates
COPY static static
COPY docker/healthcheck.py docker/healthcheck.py
# Static files are collected under production's settings. The key is of this one command and signs nothing.
RUN SECRET_KEY=only-to-collect-static-files VAR_DIR=/tmp/build python manage.py collectstatic --no-input \
    && python -m compileall -q rgent accounts billing chat \
    && rm -rf /tmp/build

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python", "docker/healthcheck.py", "web"]
# SIGTERM: no new connections, open streams get a minute, then records in flight are closed (rgent/asgi.py).
CMD ["uvicorn", "rgent.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--http", "rgent.http_protocol:BoundedHeadProtocol", "--no-access-log", \
     "--log-level", "warning", "--no-server-header", "--timeout-graceful-shutdown", "60", \
     "--timeout-worker-healthcheck", "30"]
