FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY app app
COPY static static
COPY templates templates
RUN python -m venv /opt/gilscope && /opt/gilscope/bin/pip install --no-cache-dir . \
  && /opt/gilscope/bin/pip uninstall --yes pip

# What only the build needs stays behind.
FROM python:3.13-slim
COPY --from=build /opt/gilscope /opt/gilscope
RUN useradd --create-home gilscope
USER gilscope
WORKDIR /home/gilscope
ENV PATH=/opt/gilscope/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8642
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:8642/api/v1/health', timeout=2)"
# By HTTP: it is published on 127.0.0.1, or behind what ends TLS.
CMD ["gilscope", "serve", "--host", "0.0.0.0", "--insecure-http", "--no-open"]
