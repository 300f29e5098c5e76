// The official SDK for Node.js (npm `@alicloud/fc2`), unmodified, against the local cloud's Function Compute.
//
//   FLEETRUN_ENDPOINT=http://127.0.0.1:7150 node --test tests/node/fc.test.js
//
// Also read: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, FLEETRUN_ACCOUNT_ID, FLEETRUN_REGION; the
// defaults are those of the local cloud. Makes a service of its own and deletes it; results of asynchronous calls come
// through a queue, by `@alicloud/mns`.
"use strict";

const assert = require("node:assert/strict");
const { crc32 } = require("node:zlib");
const { after, before, describe, test } = require("node:test");
const FCClient = require("@alicloud/fc2");
const MNSClient = require("@alicloud/mns");

const endpoint = process.env.FLEETRUN_ENDPOINT;
const account = process.env.FLEETRUN_ACCOUNT_ID || "1234567890123456";
const region = process.env.FLEETRUN_REGION || "cn-hangzhou";
const accessKeyId = process.env.ALIBABA_CLOUD_ACCESS_KEY_ID || "LTAI5tLocalCloud";
const accessKeySecret = process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET || "local-cloud-secret";
const service = `node-${process.pid}`;

const ECHO = `
def handler(event, context):
    print("heard", len(event))
    if event == b"boom":
        raise ValueError("no good")
    return event
`;

const clientOf = (changes = {}) =>
  new FCClient(account, { accessKeyID: accessKeyId, accessKeySecret, region, endpoint, ...changes });

/** A ZIP of one stored file, in base64. */
function zipped(name, text) {
  const content = Buffer.from(text, "utf8");
  const file = Buffer.from(name, "utf8");
  const facts = Buffer.alloc(26); // version, flags, method, time, date, checksum, two sizes, length of the name
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(0x21, 8);
  facts.writeUInt32LE(crc32(content), 10);
  facts.writeUInt32LE(content.length, 14);
  facts.writeUInt32LE(content.length, 18);
  facts.writeUInt16LE(file.length, 22);
  const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), facts, file, content]);
  const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), facts, Buffer.alloc(14), file]);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]).toString("base64");
}

const functionOf = (functionName, code, more = {}) => ({
  functionName,
  runtime: "python3.10",
  handler: "index.handler",
  timeout: 20,
  memorySize: 128,
  code: { zipFile: zipped("index.py", code) },
  ...more,
});

/** The code that a call is refused with. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return error.code;
  }
  throw new Error("it was not refused");
}

async function emptied(client) {
  for (const { functionName } of (await client.listFunctions(service)).data.functions) {
    for (const { triggerName } of (await client.listTriggers(service, functionName)).data.triggers) {
      await client.deleteTrigger(service, functionName, triggerName);
    }
    await client.deleteFunction(service, functionName);
  }
}

describe("Function Compute", { skip: endpoint ? false : "FLEETRUN_ENDPOINT is not set" }, () => {
  let client;

  before(async () => {
    client = clientOf();
    await client.createService(service, { description: "of a test" });
    await client.createFunction(service, functionOf("echo", ECHO));
  });

  after(async () => {
    await emptied(client);
    for (const { aliasName } of (await client.listAliases(service)).data.aliases) {
      await client.deleteAlias(service, aliasName);
    }
    for (const { versionId } of (await client.listVersions(service)).data.versions) {
      await client.deleteVersion(service, versionId);
    }
    await client.deleteService(service);
  });

  test("a service and its functions are made, shown, changed and listed", async () => {
    await client.createFunction(service, functionOf("plain", ECHO, { environmentVariables: { A: "ü" } }));

    const shown = (await client.getFunction(service, "plain")).data;
    const changed = (await client.updateFunction(service, "plain", { timeout: 33 })).data;
    const listed = (await client.listFunctions(service, { limit: 1, prefix: "p" })).data;
    const again = await refusal(client.createFunction(service, functionOf("plain", ECHO)));
    await client.deleteFunction(service, "plain");

    assert.equal((await client.getService(service)).data.description, "of a test");
    assert.deepEqual([shown.environmentVariables, shown.timeout, changed.timeout], [{ A: "ü" }, 20, 33]);
    assert.deepEqual(listed.functions.map(({ functionName }) => functionName), ["plain"]);
    assert.equal(again, "FunctionAlreadyExists");
    assert.equal(await refusal(client.getFunction(service, "plain")), "FunctionNotFound");
  });

  for (const payload of ["", '{"a": "é"}', Buffer.from([0, 255, 10]), "x".repeat(300_000)]) {
    test(`a call answers what the function returned: ${payload.length} of ${typeof payload}`, async () => {
      const answer = await client.invokeFunction(service, "echo", payload, {}, undefined, { rawBuf: true });

      assert.deepEqual(Buffer.from(answer.data), Buffer.from(payload));
      assert.match(answer.headers["x-fc-request-id"], /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    });
  }

  test("the tail of the log comes when it is asked for", async () => {
    const { headers } = await client.invokeFunction(service, "echo", "1", { "x-fc-log-type": "Tail" });

    const log = Buffer.from(headers["x-fc-log-result"], "base64").toString("utf8");
    assert.ok(log.includes("heard 1\n"), log);
    assert.ok(log.includes(`FC Invoke End RequestId: ${headers["x-fc-request-id"]}`), log);
  });

  test("a function's error is an answer with its kind in a header", async () => {
    const { headers, data } = await client.invokeFunction(service, "echo", "boom");

    assert.equal(headers["x-fc-error-type"], "UnhandledInvocationError");
    const told = typeof data === "string" ? JSON.parse(data) : data;
    assert.deepEqual([told.errorType, told.errorMessage], ["ValueError", "no good"]);
  });

  test("an asynchronous call tells its destination, a queue, what it returned", async () => {
    const queues = new MNSClient(account, { accessKeyId, accessKeySecret, endpoint });
    await queues.createQueue(service);
    const destination = `acs:mns:${region}:${account}:/queues/${service}/messages`;
    await client.putFunctionAsyncConfig(service, "echo", "LATEST", {
      maxAsyncRetryAttempts: 0,
      destinationConfig: { onSuccess: { destination } },
    });
    const config = (await client.getFunctionAsyncConfig(service, "echo", "LATEST")).data;

    const { headers } = await client.invokeFunction(service, "echo", "later", { "x-fc-invocation-type": "Async" });
    const { body } = await queues.receiveMessage(service, 20);
    await client.deleteFunctionAsyncConfig(service, "echo", "LATEST");
    await queues.deleteQueue(service);

    const told = JSON.parse(body.MessageBody);
    assert.equal(config.maxAsyncRetryAttempts, 0);
    assert.equal(told.requestContext.requestId, headers["x-fc-request-id"]);
    assert.deepEqual([told.requestPayload, told.responsePayload], ["later", "later"]);
  });

  test("triggers are made, changed, listed and deleted", async () => {
    const triggerConfig = { cronExpression: "@every 5m", enable: false, payload: "" };

    await client.createTrigger(service, "echo", { triggerName: "tick", triggerType: "timer", triggerConfig });
    const made = (await client.getTrigger(service, "echo", "tick")).data;
    const changed = (
      await client.updateTrigger(service, "echo", "tick", {
        triggerConfig: { ...triggerConfig, cronExpression: "0 0 4 * * *" },
      })
    ).data;
    const listed = (await client.listTriggers(service, "echo")).data.triggers;
    await client.deleteTrigger(service, "echo", "tick");

    assert.deepEqual(made.triggerConfig, triggerConfig);
    assert.equal(changed.triggerConfig.cronExpression, "0 0 4 * * *");
    assert.deepEqual(listed.map(({ triggerName }) => triggerName), ["tick"]);
    assert.equal(await refusal(client.getTrigger(service, "echo", "tick")), "TriggerNotFound");
  });

  test("a published version is called by its number or its alias", async () => {
    await client.createFunction(service, functionOf("aged", "def handler(e, c):\n    return 'old'"));
    const { versionId } = (await client.publishVersion(service, "one")).data;
    await client.createAlias(service, "prod", versionId);
    const code = { zipFile: zipped("index.py", "def handler(e, c):\n    return 'new'") };
    await client.updateFunction(service, "aged", { code });
    const call = async (qualifier) => (await client.invokeFunction(service, "aged", "", {}, qualifier)).data;

    assert.deepEqual([await call(undefined), await call(versionId), await call("prod")], ["new", "old", "old"]);
  });

  test("a layer is published and reaches the function that names it", async () => {
    const layer = `${service}-layer`;
    const published = (
      await client.publishLayerVersion(layer, {
        code: { zipFile: zipped("python/kept.py", "X = 'from the layer'") },
        compatibleRuntime: ["python3.10"],
      })
    ).data;
    const use = "import kept\ndef handler(e, c):\n    return kept.X";
    await client.createFunction(service, functionOf("layered", use, { layers: [published.arn] }));

    const { data } = await client.invokeFunction(service, "layered", "");
    const versions = (await client.listLayerVersions(layer)).data.layers;
    await client.deleteLayerVersion(layer, 1);

    assert.equal(data, "from the layer");
    assert.deepEqual(versions.map(({ version }) => version), [1]);
  });

  test("what is wrong is refused with the vendor's code", async () => {
    assert.equal(await refusal(clientOf({ accessKeySecret: "wrong" }).listServices()), "SignatureNotMatch");
    assert.equal(await refusal(clientOf({ accessKeyID: "nobody" }).listServices()), "InvalidAccessKeyID");
    assert.equal(await refusal(client.invokeFunction("nowhere", "echo", "")), "ServiceNotFound");
    assert.equal(await refusal(client.invokeFunction(service, "nobody", "")), "FunctionNotFound");
    assert.equal(
      await refusal(client.invokeFunction(service, "echo", "", { "x-fc-log-type": "All" })),
      "InvalidArgument",
    );
    await assert.rejects(client.get("/services/fleetrun/bindings"), /501.*ListVpcBindings/);
  });
});
