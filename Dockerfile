# shampoo-train with its engines, for the CPU.
#
#   docker build --tag shampoo-train .
#   docker run --rm --shm-size=2g --volume "$PWD:/data" shampoo-train train --train photos/train --test photos/test
#
# Ranks of one container share memory in /dev/shm, of which Docker gives 64 MB unless told otherwise: --shm-size, or --ipc=host.
FROM node:22-bookworm-slim

RUN apt-get update \
  && apt-get install --yes --no-install-recommends python3 python3-pip \
  && rm -rf /var/lib/apt/lists/*

# Engines and generated images lie here, for whichever user runs the container.
ENV XDG_CACHE_HOME=/var/cache/shampoo
WORKDIR /opt/distributed-shampoo
COPY . .
RUN npm run setup \
  && npm cache clean --force \
  && chmod -R a+rwX /var/cache/shampoo \
  && ln -s /opt/distributed-shampoo/apps/trainer/bin/shampoo-train.mjs /usr/local/bin/shampoo-train

RUN mkdir /data && chown node /data
USER node
WORKDIR /data
ENTRYPOINT ["shampoo-train"]
CMD ["train"]
