// What Node's driver learns of the server, how it connects, and files in buckets.
"use strict";
const assert = require("node:assert/strict");
const { once } = require("node:events");
const { Readable } = require("node:stream");
const { pipeline } = require("node:stream/promises");
const { test } = require("node:test");
const { GridFSBucket, MongoClient } = require("mongodb");
const { URI, connected, withCode } = require("./client.cjs");

const client = connected("node_deployment");

test("the driver sees a replica set come, and go", async () => {
  const seen = [];
  const watching = new MongoClient(URI, { heartbeatFrequencyMS: 500, monitorCommands: true, appName: "amongo-tests" });
  for (const name of ["serverOpening", "serverDescriptionChanged", "topologyDescriptionChanged", "serverHeartbeatSucceeded",
    "serverHeartbeatFailed", "connectionPoolCreated", "connectionReady", "connectionClosed", "topologyClosed"]) {
    watching.on(name, (event) => seen.push([name, event]));
  }
  const streamed = new Promise((resolve) => watching.on("serverHeartbeatSucceeded", (event) => event.awaited && resolve(event)));
  await watching.connect();
  await watching.db("admin").command({ ping: 1 });
  assert.ok((await streamed).reply.topologyVersion);
  await watching.close();
  const names = seen.map(([name]) => name);
  for (const name of ["serverOpening", "connectionReady", "connectionClosed", "topologyClosed"]) assert.ok(names.includes(name), name);
  assert.ok(!names.includes("serverHeartbeatFailed"));
  const described = seen.filter(([name]) => name === "topologyDescriptionChanged").map(([, event]) => event.newDescription.type);
  assert.ok(described.includes("ReplicaSetWithPrimary"), described.join());
});

test("a set of another name is refused", async () => {
  const other = new MongoClient(`${URI}/?replicaSet=other`, { serverSelectionTimeoutMS: 300 });
  await assert.rejects(other.connect(), { name: "MongoServerSelectionError" });
  await other.close();
});

test("direct connections and reads that need not be of the primary", async () => {
  const direct = new MongoClient(`${URI}/?directConnection=true`, { readPreference: "secondaryPreferred" });
  assert.equal((await direct.db("admin").command({ hello: 1 })).isWritablePrimary, true);
  assert.deepEqual(await direct.db("node_deployment").collection("absent").find().toArray(), []);
  await direct.close();
});

for (const compressor of ["zlib", "snappy"]) {
  test(`messages are compressed by ${compressor}`, async () => {
    const compressed = new MongoClient(URI, { compressors: [compressor] });
    const texts = compressed.db("node_deployment").collection(`by_${compressor}`);
    await texts.insertMany(Array.from({ length: 200 }, (_, n) => ({ _id: n, text: "x".repeat(10000) })));
    assert.equal((await texts.find().toArray()).reduce((sum, each) => sum + each.text.length, 0), 2000000);
    assert.deepEqual((await compressed.db("admin").command({ hello: 1, compression: [compressor] })).compression, [compressor]);
    await compressed.close();
  });
}

test("the versioned API is kept", async () => {
  const versioned = new MongoClient(URI, { serverApi: { version: "1", strict: true, deprecationErrors: true } });
  const kept = versioned.db("node_deployment").collection("kept");
  await kept.insertOne({ _id: 1 });
  assert.equal(await kept.countDocuments(), 1);
  await assert.rejects(versioned.db("node_deployment").command({ serverStatus: 1 }), withCode(323));
  await assert.rejects(kept.distinct("_id"), withCode(323));
  await versioned.close();
});

test("writes that nobody acknowledges are done", async () => {
  const silent = client.db("node_deployment").collection("silent", { writeConcern: { w: 0 } });
  assert.equal((await silent.insertOne({ _id: 1 })).acknowledged, false);
  const acknowledged = client.db("node_deployment").collection("silent");
  await acknowledged.updateOne({ _id: 1 }, { $set: { seen: true } }, { upsert: true });
  await assert.rejects(acknowledged.insertOne({ _id: 2 }, { writeConcern: { w: 7, wtimeout: 10 } }), (error) => error.code === 100 || error.code === 64);
});

test("many connections at once", async () => {
  const many = new MongoClient(URI, { maxPoolSize: 40, minPoolSize: 5 });
  const shared = many.db("node_deployment").collection("many");
  await Promise.all(Array.from({ length: 200 }, (_, n) => shared.insertOne({ _id: n })));
  assert.equal(await shared.countDocuments(), 200);
  await many.close();
});

test("commands of the driver's own classes", async () => {
  const database = client.db("node_deployment");
  await database.collection("stats").insertOne({ _id: 1 });
  assert.equal((await database.stats()).db, "node_deployment");
  assert.match((await client.db().admin().serverInfo()).version, /^8\./);
  assert.equal((await client.db().admin().ping()).ok, 1);
  assert.equal((await client.db().admin().serverStatus()).ok, 1);
  assert.equal((await database.admin().validateCollection("absent").catch((error) => error)).code, 26);
  assert.equal((await database.command({ profile: -1 })).was, 0);
  await assert.rejects(database.command({ noSuchCommand: 1 }), withCode(59));
});

test("files go up and come down", async () => {
  const bucket = new GridFSBucket(client.db("node_deployment"), { bucketName: "pictures", chunkSizeBytes: 1000 });
  const content = Buffer.alloc(12345, "amongo");
  const up = bucket.openUploadStream("picture.png", { metadata: { kind: "png" } });
  await pipeline(Readable.from([content.subarray(0, 7000), content.subarray(7000)]), up);
  const pieces = [];
  for await (const piece of bucket.openDownloadStream(up.id)) pieces.push(piece);
  assert.deepEqual(Buffer.concat(pieces), content);
  const part = [];
  for await (const piece of bucket.openDownloadStreamByName("picture.png", { start: 995, end: 1010 })) part.push(piece);
  assert.deepEqual(Buffer.concat(part), content.subarray(995, 1010));
  const [file] = await bucket.find({ "metadata.kind": "png" }).toArray();
  assert.deepEqual([file.length, file.chunkSize], [12345, 1000]);
  await bucket.rename(up.id, "renamed.png");
  await bucket.delete(up.id);
  assert.equal(await client.db("node_deployment").collection("pictures.chunks").countDocuments(), 0);
  const gone = bucket.openDownloadStream(up.id);
  gone.resume();
  const [error] = await once(gone, "error");
  assert.match(error.message, /not found/);
});
