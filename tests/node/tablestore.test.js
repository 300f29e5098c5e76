// The official SDK for Node.js (npm `tablestore`), unmodified, against the local cloud's Tablestore.
//
//   FLEETRUN_ENDPOINT=http://127.0.0.1:7150 node --test tests/node/tablestore.test.js
//
// Also read: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, FLEETRUN_TABLESTORE_INSTANCE; the defaults
// are those of the local cloud. Makes tables of its own, and deletes them.
"use strict";

const assert = require("node:assert/strict");
const { after, before, describe, test } = require("node:test");
const TableStore = require("tablestore");

const { Long, RowExistenceExpectation: Expect } = TableStore;
const endpoint = process.env.FLEETRUN_ENDPOINT;
const client = new TableStore.Client({
  accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID || "LTAI5tLocalCloud",
  secretAccessKey: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET || "local-cloud-secret",
  instancename: process.env.FLEETRUN_TABLESTORE_INSTANCE || "fleetrun",
  endpoint,
  maxRetries: 0,
});
const tableName = `node_${process.pid}`;
const ANY = new TableStore.Condition(Expect.IGNORE, null);
const NO_UNITS = { capacityUnit: { read: 0, write: 0 } };

const key = (number, part = "p") => [{ part }, { number: Long.fromNumber(number) }];
const below = (name, value) =>
  new TableStore.SingleColumnCondition(name, Long.fromNumber(value), TableStore.ComparatorType.LESS_THAN, false);
const put = (number, columns, condition = ANY) =>
  client.putRow({ tableName, condition, primaryKey: key(number), attributeColumns: columns });
const get = (number, more = {}) =>
  client.getRow({ tableName, primaryKey: key(number), maxVersions: 1, ...more });
const scan = (more = {}) =>
  client.getRange({
    tableName,
    direction: TableStore.Direction.FORWARD,
    inclusiveStartPrimaryKey: [{ part: TableStore.INF_MIN }, { number: TableStore.INF_MIN }],
    exclusiveEndPrimaryKey: [{ part: TableStore.INF_MAX }, { number: TableStore.INF_MAX }],
    maxVersions: 1,
    ...more,
  });

/** Name → value, integers as numbers. */
function plain(row) {
  return Object.fromEntries((row.attributes || []).map((cell) => [cell.columnName, number(cell.columnValue)]));
}

function number(value) {
  return value && typeof value.toNumber === "function" ? value.toNumber() : value;
}

/** The code that a call is refused with. The SDK puts code and message into the raw body of its error. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return { status: error.code, said: String(error.message) };
  }
  throw new Error("it was not refused");
}

async function emptied() {
  for (const row of (await scan()).rows) {
    const primaryKey = row.primaryKey.map((column) => ({ [column.name]: column.value }));
    await client.deleteRow({ tableName, condition: ANY, primaryKey });
  }
}

describe("Tablestore", { skip: endpoint ? false : "FLEETRUN_ENDPOINT is not set" }, () => {
  before(async () => {
    await client.createTable({
      tableMeta: {
        tableName,
        primaryKey: [
          { name: "part", type: "STRING" },
          { name: "number", type: "INTEGER" },
        ],
      },
      reservedThroughput: NO_UNITS,
      tableOptions: { timeToLive: -1, maxVersions: 3 },
    });
  });

  after(async () => {
    await client.deleteTable({ tableName });
  });

  test("a table is listed and described as it was made", async () => {
    const { tableNames } = await client.listTable({});
    const made = await client.describeTable({ tableName });

    assert.ok(tableNames.includes(tableName));
    assert.deepEqual(made.tableMeta.primaryKey.map(({ name }) => name), ["part", "number"]);
    assert.equal(made.tableOptions.maxVersions, 3);
    assert.equal(made.tableStatus, 1);
  });

  test("every type comes back as it was put", async () => {
    await emptied();
    const columns = [
      { bytes: Buffer.from([0, 255]) },
      { double: 1.5 },
      { int: Long.fromNumber(2 ** 40) },
      { text: "héllo 表格" },
      { yes: true },
    ];

    await put(1, columns);
    const { row, consumed } = await get(1);

    const expected = { bytes: Buffer.from([0, 255]), double: 1.5, int: 2 ** 40, text: "héllo 表格", yes: true };
    assert.deepEqual(plain(row), expected);
    assert.equal(row.primaryKey[0].value, "p");
    assert.equal(consumed.capacityUnit.read, 1);
  });

  test("a missing row has no columns", async () => {
    await emptied();

    const { row } = await get(99);

    assert.ok(!row || !row.primaryKey);
  });

  test("a conditional increment answers its sum, and stops at the limit", async () => {
    await emptied();
    await put(1, [{ used: Long.fromNumber(0) }]);
    const take = () =>
      client.updateRow({
        tableName,
        condition: new TableStore.Condition(Expect.EXPECT_EXIST, below("used", 2)),
        primaryKey: key(1),
        updateOfAttributeColumns: [{ INCREMENT: [{ used: Long.fromNumber(1) }] }],
        returnContent: { returnColumns: ["used"], returnType: TableStore.ReturnType.AfterModify },
      });

    const sums = [plain((await take()).row).used, plain((await take()).row).used];
    const { status, said } = await refusal(take());

    assert.deepEqual(sums, [1, 2]);
    assert.equal(status, 403);
    assert.match(said, /OTSConditionCheckFail.*Condition check failed\./s);
    assert.deepEqual(plain((await get(1)).row), { used: 2 });
  });

  test("an update puts, removes and keeps columns", async () => {
    await emptied();
    await put(1, [{ gone: "x" }, { stays: "y" }]);

    await client.updateRow({
      tableName,
      condition: ANY,
      primaryKey: key(1),
      updateOfAttributeColumns: [{ PUT: [{ added: "z" }] }, { DELETE_ALL: ["gone"] }],
    });

    assert.deepEqual(plain((await get(1)).row), { added: "z", stays: "y" });
  });

  test("a row that must be missing is refused when it is there", async () => {
    await emptied();
    const absent = new TableStore.Condition(Expect.EXPECT_NOT_EXIST, null);

    await put(1, [{ n: "first" }], absent);
    const { status } = await refusal(put(1, [{ n: "second" }], absent));

    assert.equal(status, 403);
    assert.deepEqual(plain((await get(1)).row), { n: "first" });
  });

  test("nested filters choose rows", async () => {
    await emptied();
    for (const at of [1, 2, 3, 4]) {
      await put(at, [{ n: Long.fromNumber(at) }]);
    }
    const either = new TableStore.CompositeCondition(TableStore.LogicalOperator.OR);
    either.addSubCondition(below("n", 2));
    either.addSubCondition(
      new TableStore.SingleColumnCondition("n", Long.fromNumber(4), TableStore.ComparatorType.EQUAL, false),
    );

    const { rows } = await scan({ columnFilter: either });

    assert.deepEqual(rows.map((row) => plain(row).n), [1, 4]);
  });

  test("rows of a batch succeed or fail each on its own", async () => {
    await emptied();
    await put(1, [{ n: "old" }]);
    const absent = new TableStore.Condition(Expect.EXPECT_NOT_EXIST, null);
    const row = (at, condition) => ({
      type: "PUT",
      condition,
      primaryKey: key(at),
      attributeColumns: [{ n: "new" }],
      returnContent: { returnType: TableStore.ReturnType.Primarykey },
    });

    const written = await client.batchWriteRow({ tables: [{ tableName, rows: [row(1, absent), row(2, absent)] }] });
    const read = await client.batchGetRow({
      tables: [{ tableName, primaryKey: [key(1), key(2), key(3)], maxVersions: 1 }],
    });

    assert.deepEqual(written.tables.map(({ isOk }) => isOk), [false, true]);
    assert.equal(written.tables[0].errorCode, "OTSConditionCheckFail");
    assert.deepEqual(read.tables[0].map((item) => plain(item).n), ["old", "new", undefined]);
  });

  test("ranges go both ways, and on from where a page ended", async () => {
    await emptied();
    for (const at of [1, 2, 3]) {
      await put(at, [{ n: Long.fromNumber(at) }]);
    }

    const first = await scan({ limit: 2 });
    const next = first.nextStartPrimaryKey.map((column) => ({ [column.name]: column.value }));
    const rest = await scan({ inclusiveStartPrimaryKey: next });
    const back = await scan({
      direction: TableStore.Direction.BACKWARD,
      inclusiveStartPrimaryKey: [{ part: TableStore.INF_MAX }, { number: TableStore.INF_MAX }],
      exclusiveEndPrimaryKey: [{ part: TableStore.INF_MIN }, { number: TableStore.INF_MIN }],
    });

    assert.deepEqual(first.rows.map((row) => plain(row).n), [1, 2]);
    assert.deepEqual(rest.rows.map((row) => plain(row).n), [3]);
    assert.equal(rest.nextStartPrimaryKey, null);
    assert.deepEqual(back.rows.map((row) => plain(row).n), [3, 2, 1]);
  });

  test("the table chooses an auto-increment key", async () => {
    const chosen = `${tableName}_chosen`;
    await client.createTable({
      tableMeta: {
        tableName: chosen,
        primaryKey: [
          { name: "part", type: "STRING" },
          { name: "number", type: "INTEGER", option: "AUTO_INCREMENT" },
        ],
      },
      reservedThroughput: NO_UNITS,
      tableOptions: { timeToLive: -1, maxVersions: 1 },
    });
    const add = async () => {
      const { row } = await client.putRow({
        tableName: chosen,
        condition: ANY,
        primaryKey: [{ part: "p" }, { number: TableStore.PK_AUTO_INCR }],
        attributeColumns: [{ n: "x" }],
        returnContent: { returnType: TableStore.ReturnType.Primarykey },
      });
      return number(row.primaryKey[1].value);
    };

    const numbers = [await add(), await add()];
    await client.deleteTable({ tableName: chosen });

    assert.ok(numbers[0] < numbers[1], String(numbers));
  });

  test("others see the rows of a transaction after its commit", async () => {
    await emptied();
    await put(1, [{ n: "old" }]);
    const { transactionId } = await client.startLocalTransaction({ tableName, primaryKey: [{ part: "p" }] });

    await client.putRow({
      tableName, condition: ANY, primaryKey: key(1), attributeColumns: [{ n: "new" }], transactionId,
    });
    const seen = plain((await get(1)).row).n;
    const conflict = await refusal(put(1, [{ n: "other" }]));
    await client.commitTransaction({ transactionId });

    assert.equal(seen, "old");
    assert.equal(conflict.status, 409);
    assert.equal(plain((await get(1)).row).n, "new");
  });

  test("what is not offered is refused by its name", async () => {
    const { status, said } = await refusal(client.sqlQuery({ query: `select * from ${tableName}` }));

    assert.equal(status, 400);
    assert.match(said, /OTSParameterInvalid.*Unsupported operation: 'SQLQuery'\./s);
  });
});
