# docker build -t vidsparse .                                                       on the CPU
# docker build -t vidsparse --build-arg TORCH_INDEX=https://pypi.org/simple .       with CUDA; run it with --gpus all
# docker run --rm -v "$PWD:/work" vidsparse run ucf101_rigl
# Data and runs lie in the folder that is mounted at /work; batches use /dev/shm where there is enough (--shm-size=1g).
FROM python:3.11-slim
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /vidsparse
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY vidsparse vidsparse
COPY corruptions corruptions
COPY configs configs
RUN pip install --no-cache-dir --index-url "$TORCH_INDEX" torch==2.13.0 torchvision==0.28.0 \
    && pip install --no-cache-dir -c constraints.txt .
RUN useradd --create-home --uid 1000 vidsparse && mkdir /work && chown 1000 /work
USER 1000
ENV VIDSPARSE_CACHE=/tmp/vidsparse-cache
WORKDIR /work
ENTRYPOINT ["vidsparse"]
CMD ["--help"]
