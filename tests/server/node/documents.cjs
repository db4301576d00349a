// Documents as Node's driver writes, reads and asks for them.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const bson = require("mongodb");
const { connected, withCode } = require("./client.cjs");

const client = connected("node_documents");
const database = client.db("node_documents");
const precise = { promoteValues: false, promoteLongs: false, promoteBuffers: false };


const EVERY_TYPE = {
  _id: new bson.ObjectId("0123456789abcdef01234567"),
  double: new bson.Double(1.5),
  negativeZero: new bson.Double(-0),
  infinite: new bson.Double(-Infinity),
  string: "Grüße, 世界 \u0000 \u{1f600}",
  object: { a: { b: { c: new bson.Int32(1) } }, empty: {} },
  array: [new bson.Int32(1), [new bson.Int32(2), []], { x: null }],
  binary: new bson.Binary(Buffer.from([0, 1, 255])),
  uuid: new bson.UUID("01234567-89ab-4def-8123-456789abcdef"),
  vector: bson.Binary.fromFloat32Array(new Float32Array([0.5, -1])),
  userDefined: new bson.Binary(Buffer.from("x"), 128),
  yes: true,
  no: false,
  date: new Date("2026-02-03T04:05:06.789Z"),
  earlyDate: new Date(-62135596800000),
  nothing: null,
  regex: new bson.BSONRegExp("^a.*b$", "im"),
  reference: new bson.DBRef("other", new bson.ObjectId("0123456789abcdef01234568"), "elsewhere"),
  code: new bson.Code("function () { return 1; }"),
  scopedCode: new bson.Code("return x", { x: new bson.Int32(1) }),
  symbol: new bson.BSONSymbol("old"),
  int: new bson.Int32(-2147483648),
  long: bson.Long.fromString("9223372036854775807"),
  timestamp: new bson.Timestamp({ t: 4294967295, i: 7 }),
  decimal: bson.Decimal128.fromString("-1.500E-6170"),
  nan: bson.Decimal128.fromString("NaN"),
  least: new bson.MinKey(),
  greatest: new bson.MaxKey(),
};

test("every type comes back as it was", async () => {
  const types = database.collection("types", precise);
  await types.insertOne({ ...EVERY_TYPE });
  const raw = await types.findOne({}, { raw: true });
  assert.deepEqual(Buffer.from(raw), Buffer.from(bson.BSON.serialize(EVERY_TYPE)));
  for (const [field, value] of Object.entries(EVERY_TYPE)) {
    if (value !== null && !(value instanceof bson.BSONRegExp)) {
      assert.equal((await types.find({ [field]: value }).toArray()).length, 1, field);
    }
  }
});

test("what is written is read, changed and deleted", async () => {
  const shelf = database.collection("shelf");
  const inserted = await shelf.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { n: 3 }]);
  assert.equal(inserted.insertedCount, 3);
  assert.ok(inserted.insertedIds[2] instanceof bson.ObjectId);
  await assert.rejects(shelf.insertOne({ _id: 1 }), withCode(11000));
  const updated = await shelf.updateMany({ n: { $gte: 2 } }, { $inc: { n: 10 }, $currentDate: { at: true } });
  assert.deepEqual([updated.matchedCount, updated.modifiedCount, updated.upsertedCount], [2, 2, 0]);
  const upserted = await shelf.updateOne({ _id: "new" }, { $set: { n: 0 } }, { upsert: true });
  assert.equal(upserted.upsertedId, "new");
  assert.equal((await shelf.replaceOne({ _id: 1 }, { replaced: true })).modifiedCount, 1);
  assert.deepEqual(await shelf.findOne({ _id: 1 }), { _id: 1, replaced: true });
  assert.deepEqual(await shelf.findOneAndUpdate({ _id: "new" }, { $inc: { n: 1 } }, { returnDocument: "after" }), {
    _id: "new",
    n: 1,
  });
  const found = await shelf.findOneAndReplace({ _id: 2 }, { n: 5 }, { projection: { n: 1 }, includeResultMetadata: true });
  assert.deepEqual([found.value, found.lastErrorObject.updatedExisting], [{ _id: 2, n: 12 }, true]);
  assert.equal((await shelf.findOneAndDelete({ _id: 2 })).n, 5);
  assert.equal(await shelf.estimatedDocumentCount(), 3);
  assert.deepEqual(await shelf.distinct("n"), [1, 13]);
  assert.equal((await shelf.deleteMany({})).deletedCount, 3);
  assert.equal(await shelf.findOne({}), null);
});

test("arrays are updated by position and by filter", async () => {
  const grades = database.collection("grades");
  await grades.insertOne({ _id: 1, marks: [{ g: 80 }, { g: 95 }] });
  await grades.updateOne({ _id: 1, "marks.g": 80 }, { $set: { "marks.$.seen": true } });
  await grades.updateOne({ _id: 1 }, { $set: { "marks.$[best].best": true } }, { arrayFilters: [{ "best.g": { $gt: 90 } }] });
  assert.deepEqual((await grades.findOne()).marks, [{ g: 80, seen: true }, { g: 95, best: true }]);
});

test("a collection's bulk write says what it did, and what failed", async () => {
  const bulk = database.collection("bulk");
  const result = await bulk.bulkWrite([
    { insertOne: { document: { _id: 1, n: 1 } } },
    { insertOne: { document: { _id: 2, n: 2 } } },
    { updateOne: { filter: { _id: 1 }, update: { $set: { n: 9 } } } },
    { updateMany: { filter: {}, update: [{ $set: { twice: { $multiply: ["$n", 2] } } }] } },
    { replaceOne: { filter: { _id: 3 }, replacement: { n: 3 }, upsert: true } },
    { deleteOne: { filter: { _id: 2 } } },
  ]);
  assert.deepEqual(
    [result.insertedCount, result.matchedCount, result.modifiedCount, result.upsertedIds, result.deletedCount],
    [2, 3, 3, { 4: 3 }, 1],
  );
  const writes = [{ _id: 10 }, { _id: 1 }, { _id: 11 }].map((document) => ({ insertOne: { document } }));
  await assert.rejects(bulk.bulkWrite(writes, { ordered: false }), (error) => {
    assert.deepEqual([error.code, error.insertedCount, error.writeErrors.length, error.writeErrors[0].index], [11000, 2, 1, 1]);
    return true;
  });
  const ordered = bulk.initializeOrderedBulkOp();
  ordered.find({ _id: 10 }).updateOne({ $set: { ordered: true } });
  ordered.find({ _id: 12 }).upsert().replaceOne({ ordered: true });
  assert.equal((await ordered.execute()).upsertedCount, 1);
});

test("a client's bulk write goes over collections", async () => {
  const result = await client.bulkWrite(
    [
      { name: "insertOne", namespace: "node_documents.one", document: { _id: 1 } },
      { name: "insertOne", namespace: "node_documents.two", document: { _id: 1 } },
      { name: "updateOne", namespace: "node_documents.one", filter: { _id: 1 }, update: { $set: { n: 1 } } },
      { name: "deleteMany", namespace: "node_documents.two", filter: {} },
    ],
    { verboseResults: true },
  );
  assert.deepEqual([result.insertedCount, result.modifiedCount, result.deletedCount], [2, 1, 1]);
  assert.deepEqual([...result.updateResults.keys()], [2]);
  await assert.rejects(
    client.bulkWrite([{ name: "insertOne", namespace: "node_documents.one", document: { _id: 1 } }]),
    (error) => error.writeErrors.get(0).code === 11000,
  );
});

test("pipelines are run, also into a collection", async () => {
  const sales = database.collection("sales");
  await sales.insertMany(Array.from({ length: 100 }, (_, n) => ({ _id: n, shop: n % 3, price: n / 4 })));
  const grouped = await sales
    .aggregate([{ $match: { price: { $gte: 5 } } }, { $group: { _id: "$shop", total: { $sum: "$price" } } }, { $sort: { _id: 1 } }])
    .toArray();
  assert.deepEqual(grouped, [0, 1, 2].map((shop) => ({
    _id: shop,
    total: Array.from({ length: 100 }, (_, n) => n).filter((n) => n >= 20 && n % 3 === shop).reduce((sum, n) => sum + n / 4, 0),
  })));
  await sales.aggregate([{ $group: { _id: "$shop" } }, { $out: "shops" }]).toArray();
  assert.equal(await database.collection("shops").countDocuments(), 3);
  await sales.aggregate([{ $sample: { size: 5 } }, { $merge: { into: "sampled" } }]).toArray();
  assert.equal(await database.collection("sampled").countDocuments(), 5);
  const facets = await sales.aggregate([{ $facet: { few: [{ $limit: 2 }], n: [{ $count: "n" }] } }]).next();
  assert.deepEqual([facets.few.length, facets.n], [2, [{ n: 100 }]]);
  const looked = await database.collection("shops").aggregate([
    { $lookup: { from: "sales", localField: "_id", foreignField: "shop", as: "sales", pipeline: [{ $limit: 1 }] } },
  ]).toArray();
  assert.deepEqual(looked.map((shop) => shop.sales.length), [1, 1, 1]);
  await assert.rejects(sales.aggregate([{ $noSuchStage: {} }]).toArray(), withCode(40324));
});

test("indexes are made, listed, used and dropped", async () => {
  const places = database.collection("places");
  await places.insertMany([{ _id: 1, name: "a", at: [13.4, 52.5] }, { _id: 2, name: "b", at: [11.6, 48.1] }]);
  assert.equal(await places.createIndex({ name: 1 }, { unique: true, collation: { locale: "en", strength: 2 } }), "name_1");
  await places.createIndexes([{ key: { at: "2dsphere" } }, { key: { name: "text" }, name: "words" }]);
  assert.deepEqual((await places.listIndexes().toArray()).map((index) => index.name), ["_id_", "name_1", "at_2dsphere", "words"]);
  await assert.rejects(places.insertOne({ name: "A" }), withCode(11000));
  const near = { at: { $near: { $geometry: { type: "Point", coordinates: [11, 48] }, $maxDistance: 100000 } } };
  assert.deepEqual((await places.find(near).toArray()).map((place) => place._id), [2]);
  const explained = await places.find({ name: "a" }).collation({ locale: "en", strength: 2 }).explain("executionStats");
  assert.equal(explained.executionStats.nReturned, 1);
  assert.match(JSON.stringify(explained.queryPlanner.winningPlan), /IXSCAN/);
  await places.dropIndex("words");
  assert.equal(await places.indexExists("words"), false);
});

test("collections are made, listed, renamed and dropped", async () => {
  await database.createCollection("capped", { capped: true, size: 4096, max: 2 });
  await database.createCollection("view", { viewOn: "capped", pipeline: [{ $match: { n: 1 } }] });
  await database.createCollection("measured", { timeseries: { timeField: "at", metaField: "who" } });
  await database.createCollection("checked", { validator: { $jsonSchema: { required: ["n"] } } });
  const capped = database.collection("capped");
  await capped.insertMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.equal(await capped.countDocuments(), 2);
  assert.equal(await capped.isCapped(), true);
  await assert.rejects(database.collection("checked").insertOne({}), withCode(121));
  const listed = await database.listCollections({ name: { $in: ["capped", "view", "measured"] } }).toArray();
  assert.deepEqual(listed.map((each) => [each.name, each.type]).sort(), [
    ["capped", "collection"],
    ["measured", "timeseries"],
    ["view", "view"],
  ]);
  await database.collection("checked").rename("renamed");
  assert.equal(await database.collection("renamed").drop(), true);
  assert.ok((await client.db().admin().listDatabases()).databases.some((each) => each.name === "node_documents"));
});
