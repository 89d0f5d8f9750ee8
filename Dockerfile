# syntax=docker/dockerfile:1
# The bot, without a root user and with a health check.
#
#   docker build --tag reference-bot .
#   docker run --detach --env DISCORD_TOKEN --volume bot-data:/data --read-only --tmpfs /tmp --cap-drop ALL \
#     --stop-timeout 60 reference-bot
#
# What it keeps is below /data. The health page listens inside the container alone; `docker ps` shows what it says.

# The base is named by its tag, so each build takes the newest patches; who wants builds that repeat adds its digest.

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml requirements.lock README.md LICENSE ./
COPY harness harness
COPY regressions regressions
COPY fuzz fuzz
COPY reference reference
COPY localdiscord localdiscord
RUN python -m venv /opt/bot && /opt/bot/bin/pip install --no-cache-dir --constraint requirements.lock .

FROM python:3.13-slim
# ffmpeg is that of the base image's Debian release, so its version follows the base.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ffmpeg \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home bot \
    && install --directory --owner bot --group bot /data
COPY --from=build /opt/bot /opt/bot
ENV BOT_DATA=/data \
    PATH=/opt/bot/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/health/live', timeout=4)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "reference"]
CMD ["run", "--no-browser"]
