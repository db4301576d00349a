// Node's driver finds the server, by whatever address, as what it says it is.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { MongoClient } = require("mongodb");
const { URI } = require("./client.cjs");

for (const [options, type] of [["", process.env.AMONGO_TOPOLOGY], ["/?directConnection=true", "Single"]]) {
  test(`with ${options || "its address alone"}`, async () => {
    const client = new MongoClient(URI + options, { serverSelectionTimeoutMS: 10000 });
    const seen = new Set();
    client.on("topologyDescriptionChanged", (event) => seen.add(event.newDescription.type));
    await client.db("reached").collection("things").insertOne({});
    assert.ok(seen.has(type), [...seen].join());
    await client.close();
  });
}
