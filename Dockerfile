# The bundle alone, on the vendor's Node, as a user without rights.
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY tools/build.mjs tools/precompile.mjs tools/
COPY proto/ proto/
COPY plugin/ plugin/
RUN node tools/build.mjs
# With the flags of the ENTRYPOINT and for the user of the image: Node takes no other code.
RUN node --optimize-for-size --max-semi-space-size=1 --initial-old-space-size=16 --no-maglev --disable-proto=delete tools/precompile.mjs 65532

FROM node:24-slim
COPY LICENSE /keyferry/
COPY --from=build /src/dist/ /keyferry/
# Fewer arenas of glibc's allocator: a few MiB less.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
# Read only: whoever runs as this user cannot plant code in it.
ENV NODE_COMPILE_CACHE=/keyferry/compile-cache NODE_COMPILE_CACHE_PORTABLE=1
USER 65532:65532
ENTRYPOINT ["node", "--optimize-for-size", "--max-semi-space-size=1", "--initial-old-space-size=16", "--no-maglev", "--disable-proto=delete", "/keyferry/keyferry.mjs"]
CMD ["--help"]
