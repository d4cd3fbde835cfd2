# Stage 1: packages, compiled translations and static files
FROM python:3.13-slim-bookworm AS build
WORKDIR /srv/helpdesk
ENV PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/venv
COPY requirements.txt .
RUN /srv/venv/bin/pip install --require-hashes -r requirements.txt
COPY manage.py pyproject.toml LICENSE ./
COPY helpdesk helpdesk
COPY guides guides
COPY templates templates
COPY static static
COPY locale locale
RUN DATA_DIR=/tmp/build /srv/venv/bin/python manage.py compile_translations && rm -rf /tmp/build

# Stage 2: what runs, by a user without rights, with nothing to write but /data and /tmp (docker run --read-only --tmpfs /tmp)
FROM python:3.13-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin helpdesk \
    && install -d -o helpdesk -g helpdesk -m 0700 /data
COPY --from=build /srv /srv
WORKDIR /srv/helpdesk
LABEL org.opencontainers.image.title="Mail Helpdesk" org.opencontainers.image.licenses="MIT"
ENV PATH=/srv/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 DATA_DIR=/data HOST=0.0.0.0 PORT=8000
USER helpdesk
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-m", "helpdesk.healthcheck"]
CMD ["sh", "-c", "python manage.py prepare && exec gunicorn --config python:helpdesk.gunicorn"]
