# The server on a CPU. A model comes from outside: -v /path/to/run:/model:ro
FROM python:3.12-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
# such as the index that has CPU builds of torch alone
ARG PIP_OPTIONS=""
WORKDIR /src
COPY . .
RUN python -m venv /opt/neox \
 && /opt/neox/bin/pip install --no-cache-dir ${PIP_OPTIONS} ".[serve]"

FROM python:3.12-slim
RUN useradd --create-home --uid 10001 neox
COPY --from=build /opt/neox /opt/neox
ENV PATH=/opt/neox/bin:$PATH OMP_WAIT_POLICY=PASSIVE PYTHONDONTWRITEBYTECODE=1
USER neox
WORKDIR /home/neox
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["neox", "serve", "--host", "0.0.0.0", "--port", "8000"]
CMD ["--model", "/model", "--name", "neox"]
