// What the scripts of this folder share: a client of the server that is tested, and a database of their own.
"use strict";
const { after, before } = require("node:test");
const { MongoClient } = require("mongodb");

const URI = process.env.AMONGO_URI;

/** A client, with its database emptied; connected before the tests of a file, closed after them. */
function connected(name, options = {}) {
  const client = new MongoClient(URI, { serverSelectionTimeoutMS: 10000, ...options });
  before(async () => {
    await client.connect();
    await client.db(name).dropDatabase();
  });
  after(() => client.close());
  return client;
}

/** An error with this code is thrown. */
function withCode(code) {
  return (error) => {
    if (error.code !== code) throw error;
    return true;
  };
}

module.exports = { URI, connected, withCode };
