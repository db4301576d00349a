// Node's driver over TLS, with a certificate that says who one is.
"use strict";
const assert = require("node:assert/strict");
const { test } = require("node:test");
const { MongoClient } = require("mongodb");
const { URI, withCode } = require("./client.cjs");

const tls = { tls: true, tlsCAFile: process.env.AMONGO_CA_FILE, serverSelectionTimeoutMS: 5000 };
const shown = { ...tls, tlsCertificateKeyFile: process.env.AMONGO_CLIENT_FILE };

test("the first user is one with a certificate", async () => {
  const client = new MongoClient(URI, shown);
  const user = { createUser: process.env.AMONGO_SUBJECT, roles: [{ role: "root", db: "admin" }] };
  assert.equal((await client.db("$external").command(user)).ok, 1);
  await assert.rejects(client.db("shop").collection("orders").findOne(), withCode(13));
  await client.close();
});

test("the certificate is enough", async () => {
  const client = new MongoClient(URI, { ...shown, authMechanism: "MONGODB-X509" });
  await client.db("shop").collection("orders").insertOne({ _id: 1, text: "x".repeat(100000) });
  assert.equal((await client.db("shop").collection("orders").findOne()).text.length, 100000);
  const { authInfo } = await client.db("admin").command({ connectionStatus: 1 });
  assert.deepEqual(authInfo.authenticatedUsers, [{ user: process.env.AMONGO_SUBJECT, db: "$external" }]);
  await client.close();
});

test("who shows none, or speaks no TLS, does not come in", async () => {
  for (const options of [tls, { serverSelectionTimeoutMS: 1000 }]) {
    const client = new MongoClient(URI.replace(/\/\?.*/, ""), { ...options, serverSelectionTimeoutMS: 1000 });
    await assert.rejects(client.connect(), { name: "MongoServerSelectionError" });
    await client.close();
  }
});
