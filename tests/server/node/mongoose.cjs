// Documents of Mongoose: what most services written for Node talk to the server with.
"use strict";
const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const mongoose = require("mongoose");
const { URI, withCode } = require("./client.cjs");

const { Schema } = mongoose;
const authors = new Schema({ name: { type: String, required: true, unique: true }, born: Date }, { timestamps: true });
const articles = new Schema({
  title: { type: String, index: true, maxlength: 80 },
  author: { type: Schema.Types.ObjectId, ref: "Author" },
  price: Schema.Types.Decimal128,
  tags: [String],
  comments: [{ by: String, stars: { type: Number, min: 0, max: 5 } }],
  extra: { type: Map, of: Number },
  raw: Buffer,
}, { optimisticConcurrency: true });
articles.index({ title: "text" });
articles.virtual("loud").get(function () {
  return this.title.toUpperCase();
});
const Author = mongoose.model("Author", authors);
const Article = mongoose.model("Article", articles);

before(async () => {
  await mongoose.connect(URI, { dbName: "node_mongoose" });
  await mongoose.connection.dropDatabase();
  await Promise.all([Author.init(), Article.init()].map((each) => each.catch(() => {})));
  await Promise.all([Author.syncIndexes(), Article.syncIndexes()]);
});
after(() => mongoose.disconnect());

test("documents are saved, found and populated", async () => {
  const ada = await Author.create({ name: "Ada", born: new Date("1815-12-10") });
  const article = await Article.create({
    title: "On engines", author: ada, price: "1.50", tags: ["a"], comments: [{ by: "x", stars: 4 }], extra: { pages: 7 }, raw: Buffer.from([1, 2]),
  });
  const found = await Article.findOne({ "comments.stars": { $gt: 3 } }).populate("author").exec();
  assert.deepEqual([found.author.name, found.loud, String(found.price), found.extra.get("pages"), [...found.raw]], ["Ada", "ON ENGINES", "1.50", 7, [1, 2]]);
  assert.equal((await Article.find({ $text: { $search: "engine" } })).length, 1);
  assert.ok(ada.createdAt instanceof Date);
  await assert.rejects(Author.create({ name: "Ada" }), withCode(11000));
  await assert.rejects(Author.create({}), { name: "ValidationError" });
  assert.deepEqual((await Article.collection.indexes()).map((index) => index.name).sort(), ["_id_", "title_1", "title_text"]);
  await article.deleteOne();
});

test("what two change at once is noticed", async () => {
  await Article.create({ title: "twice" });
  const [one, other] = [await Article.findOne({ title: "twice" }), await Article.findOne({ title: "twice" })];
  one.tags.push("first");
  await one.save();
  other.title = "second";
  await assert.rejects(other.save(), { name: "VersionError" });
});

test("queries stream, count and update", async () => {
  await Article.insertMany(Array.from({ length: 50 }, (_, n) => ({ title: `t${n}`, tags: [`g${n % 5}`] })));
  let count = 0;
  for await (const each of Article.find({ title: /^t\d/ }).sort("title").lean().cursor({ batchSize: 7 })) count += each.tags.length;
  assert.equal(count, 50);
  await Article.updateMany({ tags: "g0" }, { $push: { comments: { by: "all", stars: 1 } } });
  assert.equal(await Article.countDocuments({ "comments.by": "all" }), 10);
  const grouped = await Article.aggregate().unwind("tags").sortByCount("tags").sort("_id").limit(2);
  assert.deepEqual(grouped, [{ _id: "first", count: 1 }, { _id: "g0", count: 10 }]);
  const bulk = await Article.bulkWrite([{ updateOne: { filter: { title: "t1" }, update: { title: "renamed" } } }, { deleteMany: { filter: { tags: "g2" } } }]);
  assert.deepEqual([bulk.modifiedCount, bulk.deletedCount], [1, 10]);
});

test("transactions, and changes that are watched", async () => {
  const stream = Author.watch([], { fullDocument: "updateLookup" });
  const change = new Promise((resolve, reject) => stream.once("change", resolve).once("error", reject));
  await new Promise((resolve) => stream.once("ready", resolve));
  await assert.rejects(mongoose.connection.transaction(async (session) => {
    await Author.create([{ name: "Nobody" }], { session });
    throw new Error("no");
  }), /no/);
  await mongoose.connection.transaction((session) => Author.create([{ name: "Grace" }], { session }));
  assert.equal((await change).fullDocument.name, "Grace");
  assert.equal(await Author.exists({ name: "Nobody" }), null);
  await stream.close();
});
