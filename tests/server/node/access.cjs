// Users and passwords, as Node's driver gives them; the server asks everybody who they are.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { MongoClient } = require("mongodb");
const { URI, withCode } = require("./client.cjs");

const address = URI.replace("mongodb://", "");
const as = (user, password, options = "") => new MongoClient(`mongodb://${user}:${password}@${address}/?${options}`);

/** Run something with a client, and close it. */
async function withClient(client, run) {
  try {
    return await run(client);
  } finally {
    await client.close();
  }
}

test("the first user is made from the same machine, and then nobody is let in unasked", async () => {
  await withClient(new MongoClient(URI), async (client) => {
    await client.db("admin").command({ createUser: "root", pwd: "secret", roles: ["root"] });
    await assert.rejects(client.db("shop").collection("orders").findOne(), withCode(13));
  });
});

for (const mechanism of ["SCRAM-SHA-256", "SCRAM-SHA-1", undefined]) {
  test(`a password is told by ${mechanism ?? "what both sides know"}`, async () => {
    const options = mechanism ? `authMechanism=${mechanism}` : "";
    await withClient(as("root", "secret", options), async (client) => {
      await client.db("shop").collection("orders").insertOne({ by: mechanism });
      const { authInfo } = await client.db("admin").command({ connectionStatus: 1 });
      assert.deepEqual(authInfo.authenticatedUsers, [{ user: "root", db: "admin" }]);
    });
  });
}

test("a wrong password is refused", async () => {
  for (const [user, password] of [["root", "wrong"], ["nobody", "secret"]]) {
    await withClient(as(user, password, "serverSelectionTimeoutMS=3000"), (client) =>
      assert.rejects(client.connect(), withCode(18)));
  }
});

test("a user may do what its roles say", async () => {
  await withClient(as("root", "secret"), (client) =>
    client.db("shop").command({ createUser: "reader", pwd: "p", roles: ["read"] }));
  await withClient(as("reader", "p", "authSource=shop"), async (client) => {
    assert.equal(await client.db("shop").collection("orders").countDocuments(), 3);
    await assert.rejects(client.db("shop").collection("orders").insertOne({}), withCode(13));
    await assert.rejects(client.db("other").collection("orders").findOne(), withCode(13));
    assert.deepEqual((await client.db().admin().listDatabases()).databases.map((each) => each.name), ["shop"]);
  });
});
