// Sessions, transactions, retryable writes and change streams, as Node's driver uses them.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { connected, withCode } = require("./client.cjs");

const client = connected("node_sessions", { monitorCommands: true });
const database = client.db("node_sessions");

test("a transaction is whole, or it is nothing", async () => {
  const accounts = database.collection("accounts");
  await accounts.insertMany([{ _id: "a", n: 10 }, { _id: "b", n: 0 }]);
  const result = await client.withSession((session) =>
    session.withTransaction(
      async () => {
        await accounts.updateOne({ _id: "a" }, { $inc: { n: -5 } }, { session });
        await accounts.updateOne({ _id: "b" }, { $inc: { n: 5 } }, { session });
        assert.equal((await accounts.findOne({ _id: "b" })).n, 0, "others see nothing yet");
        return "done";
      },
      { readConcern: { level: "snapshot" }, writeConcern: { w: "majority" } },
    ),
  );
  assert.equal(result, "done");
  const session = client.startSession();
  await assert.rejects(session.withTransaction(async () => {
    await accounts.deleteMany({}, { session });
    throw new Error("no");
  }), /no/);
  await session.endSession();
  assert.deepEqual((await accounts.find().sort({ _id: 1 }).toArray()).map((each) => each.n), [5, 5]);
});

test("two transactions that write one document conflict, and one of them is tried again", async () => {
  const counters = database.collection("counters");
  await counters.insertOne({ _id: 1, n: 0 });
  const [first, second] = [client.startSession(), client.startSession()];
  first.startTransaction();
  second.startTransaction();
  await counters.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: first });
  await assert.rejects(counters.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session: second }), (error) => {
    assert.equal(error.code, 112);
    return error.hasErrorLabel("TransientTransactionError");
  });
  await second.abortTransaction();
  await first.commitTransaction();
  await Promise.all([first.endSession(), second.endSession()]);
  await Promise.all(Array.from({ length: 5 }, () => client.withSession((session) =>
    session.withTransaction(() => counters.updateOne({ _id: 1 }, { $inc: { n: 1 } }, { session })))));
  assert.equal((await counters.findOne()).n, 6);
});

test("a statement that is sent again is not done again", async () => {
  const session = client.startSession();
  const sent = [];
  client.on("commandStarted", (event) => sent.push(event));
  const again = database.collection("again");
  await again.insertOne({ _id: 1 }, { session });
  const { lsid, txnNumber } = sent.find((event) => event.commandName === "insert").command;
  assert.ok(lsid && txnNumber, "the driver makes its writes retryable");
  assert.equal((await database.command({ insert: "again", documents: [{ _id: 1 }], txnNumber }, { session })).n, 1);
  assert.equal(await again.countDocuments(), 1);
  client.removeAllListeners("commandStarted");
  await session.endSession();
});

test("a session reads what it wrote, also at one moment", async () => {
  const moments = database.collection("moments");
  await moments.insertOne({ _id: 1, n: 1 });
  const session = client.startSession({ causalConsistency: true });
  await moments.updateOne({ _id: 1 }, { $set: { n: 2 } }, { session });
  assert.equal((await moments.findOne({ _id: 1 }, { session })).n, 2);
  assert.ok(session.operationTime);
  await session.endSession();
  const snapshot = client.startSession({ snapshot: true });
  assert.equal((await moments.findOne({ _id: 1 }, { session: snapshot })).n, 2);
  await moments.updateOne({ _id: 1 }, { $set: { n: 3 } });
  assert.equal((await moments.findOne({ _id: 1 }, { session: snapshot })).n, 2);
  await snapshot.endSession();
});

test("a change stream tells what happens, and goes on where it was", async () => {
  const watched = database.collection("watched");
  await database.createCollection("watched", { changeStreamPreAndPostImages: { enabled: true } });
  const stream = watched.watch([{ $match: { operationType: { $ne: "drop" } } }], {
    fullDocument: "updateLookup",
    fullDocumentBeforeChange: "whenAvailable",
  });
  await stream.tryNext();
  await watched.insertOne({ _id: 1, n: 1 });
  await watched.updateOne({ _id: 1 }, { $set: { n: 2 } });
  await watched.deleteOne({ _id: 1 });
  const [inserted, updated, deleted] = [await stream.next(), await stream.next(), await stream.next()];
  assert.deepEqual([inserted.operationType, inserted.fullDocument], ["insert", { _id: 1, n: 1 }]);
  assert.deepEqual(updated.updateDescription.updatedFields, { n: 2 });
  assert.deepEqual([updated.fullDocumentBeforeChange.n, deleted.fullDocumentBeforeChange.n], [1, 2]);
  assert.ok(inserted.clusterTime && inserted.wallTime instanceof Date);
  await stream.close();
  for (const place of [{ resumeAfter: inserted._id }, { startAfter: inserted._id }, { startAtOperationTime: updated.clusterTime }]) {
    const resumed = client.watch([{ $match: { "ns.coll": "watched" } }], place);
    assert.deepEqual([(await resumed.next()).operationType, (await resumed.next()).operationType], ["update", "delete"]);
    await resumed.close();
  }
});

test("a change stream whose cursor was killed resumes by itself", async () => {
  const killed = database.collection("killed");
  await killed.insertOne({ _id: 0 });
  const stream = killed.watch([], { maxAwaitTimeMS: 100 });
  await stream.tryNext();
  await killed.insertOne({ _id: 1 });
  assert.equal((await stream.next()).documentKey._id, 1);
  await database.command({ killCursors: "killed", cursors: [stream.cursor.id] });
  await killed.insertOne({ _id: 2 });
  assert.equal((await stream.next()).documentKey._id, 2);
  await stream.close();
});

test("an event listener hears of changes", async () => {
  const heard = database.collection("heard");
  await heard.insertOne({ _id: 0 });
  const stream = heard.watch();
  const change = new Promise((resolve, reject) => stream.once("change", resolve).once("error", reject));
  await new Promise((resolve) => stream.cursor.once("init", resolve));
  await heard.insertOne({ _id: 1 });
  assert.equal((await change).documentKey._id, 1);
  await stream.close();
});

test("an invalidated stream ends", async () => {
  const dropped = database.collection("dropped");
  await dropped.insertOne({ _id: 0 });
  const stream = dropped.watch();
  await stream.tryNext();
  await dropped.drop();
  assert.deepEqual([(await stream.next()).operationType, (await stream.next()).operationType], ["drop", "invalidate"]);
  await stream.close();
});

test("what a transaction forbids is refused", async () => {
  const session = client.startSession();
  session.startTransaction();
  await assert.rejects(database.command({ listCollections: 1 }, { session }), withCode(263));
  await session.abortTransaction();
  await session.endSession();
});
