// Cursors, time limits and signals, as Node's driver uses them.
"use strict";
const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { connected, withCode } = require("./client.cjs");

const client = connected("node_cursors", { monitorCommands: true });
const numbers = client.db("node_cursors").collection("numbers");
const sent = [];
client.on("commandStarted", (event) => sent.push(event));

before(() => numbers.insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, text: "x".repeat(100) }))));

/** The commands of these names that were sent while `run` ran. */
async function commandsOf(run, ...names) {
  sent.length = 0;
  await run();
  return sent.filter((event) => names.includes(event.commandName));
}

test("batches are as large as they are asked to be", async () => {
  const found = [];
  const commands = await commandsOf(async () => {
    for await (const each of numbers.find().sort({ _id: 1 }).batchSize(300)) found.push(each._id);
  }, "find", "getMore", "killCursors");
  assert.deepEqual(found, Array.from({ length: 1000 }, (_, n) => n));
  assert.deepEqual(commands.map((event) => event.commandName), ["find", "getMore", "getMore", "getMore"]);
});

test("a cursor that is left is killed", async () => {
  const cursor = numbers.find().batchSize(10);
  await cursor.next();
  const id = cursor.id;
  const killed = await commandsOf(() => cursor.close(), "killCursors");
  assert.deepEqual(killed.map((event) => event.command.cursors.map(String)), [[String(id)]]);
  await assert.rejects(client.db("node_cursors").command({ getMore: id, collection: "numbers" }), withCode(43));
});

test("streams, limits, skips, projections and hints", async () => {
  const seen = [];
  for await (const each of numbers.find({ _id: { $gt: 10 } }, { projection: { _id: 1 } }).sort({ _id: -1 }).skip(1).limit(3).hint({ _id: 1 }).stream()) {
    seen.push(each);
  }
  assert.deepEqual(seen, [{ _id: 998 }, { _id: 997 }, { _id: 996 }]);
  assert.equal(await numbers.find({ _id: { $lt: 5 } }).map((each) => each._id).hasNext(), true);
});

test("a cursor that is aborted by its signal ends", async () => {
  const controller = new AbortController();
  const cursor = numbers.find({}, { signal: controller.signal, batchSize: 10 });
  await cursor.next();
  controller.abort(new Error("enough"));
  await assert.rejects(cursor.toArray(), /enough/);
  assert.equal(await numbers.countDocuments({}), 1000);
});

const LONG = { $reduce: { input: { $range: [0, 3000000] }, initialValue: 0, in: { $add: ["$$value", "$$this"] } } };

test("an operation whose time is up is stopped", async () => {
  await assert.rejects(numbers.aggregate([{ $set: { n: LONG } }], { maxTimeMS: 20 }).toArray(), withCode(50));
  await assert.rejects(numbers.find({ $expr: { $gt: [LONG, 1] } }).maxTimeMS(20).toArray(), withCode(50));
  assert.equal(await numbers.countDocuments({ _id: { $lt: 3 } }, { maxTimeMS: 10000 }), 3);
});

test("a client that does not wait for its answer goes, and others are served", async () => {
  const controller = new AbortController();
  client.once("commandStarted", () => controller.abort(new Error("enough")));
  await assert.rejects(numbers.find({ $expr: { $gt: [LONG, 1] } }, { signal: controller.signal }).toArray(), /enough/);
  assert.equal(await numbers.countDocuments({ _id: { $lt: 3 } }), 3);
});

test("a tailable cursor waits for what is inserted", async () => {
  const tail = await client.db("node_cursors").createCollection("tail", { capped: true, size: 100000 });
  await tail.insertOne({ _id: 0 });
  const cursor = tail.find({}, { tailable: true, awaitData: true, maxAwaitTimeMS: 5000 });
  assert.equal((await cursor.next())._id, 0);
  const [next] = await Promise.all([cursor.next(), tail.insertOne({ _id: 1 })]);
  assert.equal(next._id, 1);
  await cursor.close();
});
