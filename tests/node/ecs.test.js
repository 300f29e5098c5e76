// The official SDK for Node.js (npm `@alicloud/pop-core`), unmodified, against the local cloud's ECS.
//
//   FLEETRUN_ENDPOINT=http://127.0.0.1:7150 node --test tests/node/ecs.test.js
//
// Also read: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET; the defaults are those of the local cloud.
// Runs scripts on two of the fleet's instances that can run them.
"use strict";

const assert = require("node:assert/strict");
const { before, describe, test } = require("node:test");
const { RPCClient } = require("@alicloud/pop-core");

const RegionId = "cn-hangzhou";
const RUNNING = ["Pending", "Running", "Stopping"];
const WAIT_MS_MAX = 20_000;
const POST = { method: "POST" };

function clientOf(changes = {}) {
  return new RPCClient({
    accessKeyId: process.env.ALIBABA_CLOUD_ACCESS_KEY_ID || "LTAI5tLocalCloud",
    accessKeySecret: process.env.ALIBABA_CLOUD_ACCESS_KEY_SECRET || "local-cloud-secret",
    endpoint: process.env.FLEETRUN_ENDPOINT,
    apiVersion: "2014-05-26",
    ...changes,
  });
}

const client = clientOf();
const ask = (action, parameters = {}, options = {}) => client.request(action, { RegionId, ...parameters }, options);

/** The code that a call is refused with. */
async function refusal(call) {
  try {
    await call;
  } catch (error) {
    return error.code;
  }
  throw new Error("it was not refused");
}

/** The rows of an invocation, once nothing of it runs any more. */
async function ended(InvokeId) {
  const end = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const answer = await ask("DescribeInvocations", { InvokeId, IncludeOutput: true, ContentEncoding: "PlainText" });
    const [invocation] = answer.Invocations.Invocation;
    if (!RUNNING.includes(invocation.InvocationStatus)) {
      return invocation.InvokeInstances.InvokeInstance;
    }
    assert.ok(Date.now() < end, "waited in vain");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("ECS", () => {
  let fit = [];

  before(async () => {
    const answer = await ask("DescribeInstances", { Status: "Running", PageSize: 100 });
    const linux = answer.Instances.Instance.filter((one) => one.OSType === "linux").map((one) => one.InstanceId);
    const status = await ask("DescribeCloudAssistantStatus", { InstanceId: linux.slice(0, 100) });
    fit = status.InstanceCloudAssistantStatusSet.InstanceCloudAssistantStatus
      .filter((one) => one.CloudAssistantStatus === "true")
      .map((one) => one.InstanceId)
      .slice(0, 2);
    assert.equal(fit.length, 2);
  });

  for (const method of ["GET", "POST"]) {
    test(`a script of any letters travels by ${method}`, async () => {
      const script = "printf '%s\\n' \"a+b (c) *~! & = % ü€😀\"; echo \"$ECS_INSTANCE_ID\"; exit 3";

      const ran = await ask(
        "RunCommand",
        { Type: "RunShellScript", CommandContent: script, InstanceId: fit, Tag: [{ Key: "k e y", Value: "v+1" }] },
        { method },
      );
      const rows = await ended(ran.InvokeId);

      assert.deepEqual(rows.map((row) => row.Output), fit.map((id) => `a+b (c) *~! & = % ü€😀\n${id}\n`));
      assert.deepEqual(rows.map((row) => [row.InvocationStatus, row.ExitCode]), fit.map(() => ["Failed", 3]));
    });
  }

  test("a command is made, invoked with parameters and deleted", async () => {
    const CommandContent = Buffer.from("echo {{who}}").toString("base64");
    const command = { Name: "greet", Type: "RunShellScript", CommandContent, EnableParameter: true };
    const { CommandId } = await ask("CreateCommand", command, POST);

    const Parameters = JSON.stringify({ who: "Jäck" });
    const { InvokeId } = await ask("InvokeCommand", { CommandId, InstanceId: fit, Parameters }, POST);
    const rows = await ended(InvokeId);
    await ask("DeleteCommand", { CommandId }, POST);

    assert.deepEqual(rows.map((row) => row.Output), ["Jäck\n", "Jäck\n"]);
    assert.equal((await ask("DescribeCommands", { CommandId })).TotalCount, 0);
  });

  test("a running script is stopped", async () => {
    const script = { Type: "RunShellScript", CommandContent: "sleep 300", InstanceId: fit.slice(0, 1) };
    const { InvokeId } = await ask("RunCommand", script, POST);

    await ask("StopInvocation", { InvokeId }, POST);
    const [row] = await ended(InvokeId);

    assert.ok(["Terminated", "Cancelled"].includes(row.InvocationStatus), row.InvocationStatus);
  });

  test("what is wrong is refused with the vendor's code", async () => {
    const describeWith = (changes) => clientOf(changes).request("DescribeInstances", { RegionId });

    assert.equal(await refusal(describeWith({ accessKeySecret: "wrong" })), "SignatureDoesNotMatch");
    assert.equal(await refusal(describeWith({ accessKeyId: "nobody" })), "InvalidAccessKeyId.NotFound");
    assert.equal(await refusal(describeWith({ securityToken: "forged" })), "InvalidSecurityToken.Malformed");
    assert.equal(await refusal(ask("DeleteCommand", { CommandId: "c-none" }, POST)), "InvalidCmdId.NotFound");
    assert.equal(await refusal(ask("RunInstances", {}, POST)), "NotOffered");
    assert.equal(await refusal(ask("NoSuchAction")), "InvalidAction.NotFound");
  });
});
