# The bundle alone, on the vendor's Node, as a user without rights.
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json ./
COPY tools/build.mjs tools/
COPY proto/ proto/
COPY plugin/ plugin/
RUN node tools/build.mjs

FROM node:24-slim
COPY LICENSE /keyferry/
COPY --from=build /src/dist/ /keyferry/
# Fewer arenas of glibc's allocator: a few MiB less.
ENV NODE_ENV=production MALLOC_ARENA_MAX=2
USER 65532:65532
ENTRYPOINT ["node", "--optimize-for-size", "--max-semi-space-size=1", "--no-maglev", "--disable-proto=delete", "/keyferry/keyferry.mjs"]
CMD ["--help"]
