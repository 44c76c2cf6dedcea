# Two images: `rater` (the last one, which `docker build .` makes) and `example`, an application of docker-compose.yml.
# What builds stays in the first stages; the images have Python, the installed distributions and no installer.
ARG PYTHON_IMAGE=python:3.13.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS source
ARG UV_VERSION=0.13.8
ENV UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /src
COPY pyproject.toml uv.lock ./
COPY instrumentation instrumentation
COPY rater rater
COPY compose/install.sh compose/install.sh

FROM source AS build-rater
RUN sh compose/install.sh /opt/tollspan

FROM source AS build-example
RUN sh compose/install.sh /opt/tollspan demo

# A new volume takes the owner of the folder that it is mounted on: these are for the volumes of docker-compose.yml.
FROM ${PYTHON_IMAGE} AS base
RUN pip uninstall --yes --quiet pip \
 && for folder in /var/lib/tollspan /var/lib/tollspan-spool /var/lib/otelcol /var/tempo \
                  /keys/ingest /keys/query /keys/grafana; do \
      mkdir -p "$folder" && chown 10001:10001 "$folder"; \
    done
ENV PATH=/opt/tollspan/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /var/lib/tollspan
USER 10001:10001

FROM base AS example
COPY --from=build-example /opt/tollspan /opt/tollspan
COPY examples /opt/examples

FROM base AS rater
COPY --from=build-rater /opt/tollspan /opt/tollspan
ENV TOLLSPAN_DATA=/var/lib/tollspan
EXPOSE 4317 4318 4319
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=12 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:4319/healthz', timeout=3)"]
CMD ["tollspan", "serve"]
