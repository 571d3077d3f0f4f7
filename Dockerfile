# Convenor in a container: built in stages, run by a user without rights.
FROM node:20-bookworm-slim AS frontend
WORKDIR /build/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-fund --no-audit
COPY frontend/ ./
RUN npm run build

FROM python:3.11-slim-bookworm AS python
RUN pip install --no-cache-dir 'uv==0.13.*' && python -m venv /opt/convenor
WORKDIR /build
COPY requirements.lock ./
RUN uv pip install --no-cache --compile-bytecode --python /opt/convenor/bin/python --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-liberation \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/convenor --create-home convenor
COPY --from=python /opt/convenor /opt/convenor
WORKDIR /srv/convenor
COPY app/ app/
COPY --from=frontend /build/app/web/static/ app/web/static/
COPY processes/ processes/
COPY forms/ forms/
COPY migrations/ migrations/
RUN /opt/convenor/bin/python -m compileall -q app migrations
ENV PATH=/opt/convenor/bin:$PATH \
    PYTHONPATH=/srv/convenor \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CONVENOR_DATA=/var/lib/convenor \
    CONVENOR_BIND=0.0.0.0 \
    CONVENOR_PORT=8000
USER convenor
VOLUME /var/lib/convenor
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "app.cli.main"]
CMD ["serve"]
